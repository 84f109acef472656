/**
 * How a prompt goes over the chain: by which strategy, cut where, and in what time.
 */
import { Option } from 'commander';
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { STRATEGIES, type StrategyName } from '../../core/strategy.js';
import { shown } from '../terminal/numbers.js';
import { type Preference, PREFERENCES } from '../../plan/index.js';
import { choiceFlag, notEmpty, numberFlag } from './kinds.js';

export type ChainFlags = {
  readonly strategy?: StrategyName;
  readonly partition?: NamedCut | number[];
  readonly prefer?: Preference;
  readonly decodeOn?: string;
  /** Seconds. */
  readonly deadline?: number;
};

/** Cuts by name, as the engine knows them. */
const NAMED_CUTS = ['auto', 'e', 's', 'p'] as const;
type NamedCut = (typeof NAMED_CUTS)[number];

const secondsSchema = z.number().min(0.001).max(86_400);

export const chainFlags = (): Option[] => [
  choiceFlag('--strategy <NAME>', 'how the prompt phase is spread; kvr unless given', STRATEGIES),
  new Option(
    '--partition <CUT>',
    'how the prompt is cut: auto (planned, may leave workers out), s (planned for all), p (looked up in a table), e (even), or sizes in tokens as in 1100,948; auto unless given',
  ).argParser(parsePartition),
  ...orderFlags(),
  numberFlag('--deadline <SECONDS>', 'give up after this time', secondsSchema),
];

/** What decides the order of ranks, of which the last one decodes. */
export const orderFlags = (): Option[] => [
  choiceFlag(
    '--prefer <WHAT>',
    'what is to come soonest where workers differ; whole-answer where at least as many new tokens are asked for as the prompt has, else first-token, unless given',
    PREFERENCES,
  ),
  new Option(
    '--decode-on <NAME>',
    'the worker that decodes: the last rank of a planned chain, named as kvr plan names it; whoever is best unless given',
  ).argParser((text) => notEmpty('--decode-on', text)),
];

/** @throws BAD_INPUT */
export function parsePartition(text: string): NamedCut | number[] {
  const name = NAMED_CUTS.find((each) => each === text);
  if (name !== undefined) return name;
  if (/^\d+(,\d+)*$/.test(text)) return text.split(',').map(Number);
  const remedy = `give ${NAMED_CUTS.join(', ')}, or whole numbers of at least 1 that add up to the prompt, as in 1100,948`;
  throw new KvrError('BAD_INPUT', `--partition ${shown(text)} is no partition; ${remedy}`);
}
