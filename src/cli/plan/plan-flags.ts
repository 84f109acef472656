/**
 * The flags of `kvr plan`. Those of an engine are the same as elsewhere, but that workers may be more than run.
 */
import { Option } from 'commander';
import { z } from 'zod';
import { MAX_RANKS } from '../../core/partition.js';
import { parseDuration, parseRate, parseTokens } from '../../core/quantities.js';
import {
  type ChainFlags,
  machineFlags,
  type ModelFlags,
  modelFlag,
  numberFlag,
  type OutputFlags,
  outputFlags,
  parsePartition,
  parseWorkers,
} from '../flags/index.js';
import { describeBounds, parseNumber } from '../terminal/numbers.js';
import type { SearchFlags } from './plan-search.js';

export type PlanFlags = ModelFlags & OutputFlags & SearchFlags & OwnFlags;
type OwnFlags = {
  readonly context?: number;
  readonly partition?: NonNullable<ChainFlags['partition']>;
  /** Bytes a second. */
  readonly link?: number;
  /** Milliseconds. */
  readonly latency?: number;
  readonly fresh?: true;
};

const workersSchema = z.number().int().min(1).max(MAX_RANKS);
const repeatsSchema = z.number().int().min(1).max(1000);
const candidatesSchema = z.number().int().min(1).max(10_000);
/** Of the flags of an engine: one is told in other words, one makes no sense without costs. */
const LEFT_OUT = ['workers', 'calibrate'];

export const planFlags = (): Option[] => [
  modelFlag(),
  new Option('-c, --context <TOKENS>', 'length of the prompt, as in 4096 or 16k').argParser((text) =>
    parseTokens('--context', text),
  ),
  new Option(
    '-w, --workers <N|ADDRESSES>',
    `workers to plan for (${describeBounds(workersSchema)}; 1 unless given), or running ones as HOST:PORT,HOST:PORT`,
  ).argParser(parsePlanWorkers),
  ...machineFlags().filter((option) => !LEFT_OUT.includes(option.attributeName())),
  new Option(
    '--partition <CUT>',
    'auto plans and may leave workers out; e even, s searched, p from the table, or sizes, for all workers; auto unless given',
  ).argParser(parsePartition),
  new Option(
    '--link <SPEED>',
    'what if: --workers equal workers, each as one on this machine, over links of 10Gbit, 200Mbit, 12GB/s, …',
  ).argParser((text) => parseRate('--link', text)),
  new Option('--latency <TIME>', 'latency of those links; 50us unless given').argParser((text) =>
    parseDuration('--latency', text),
  ),
  new Option(
    '--table <LENGTHS>',
    'build the table of partition p for these lengths, as in 512,1k,2k,4k',
  ).argParser(parseLengths),
  new Option(
    '--measure',
    'search by real runs, for --context or the lengths of --table; goes into the table',
  ),
  numberFlag(
    '--repeats <N>',
    'with --measure: runs of a candidate, whose median counts; 3 unless given',
    repeatsSchema,
  ),
  numberFlag('--candidates <N>', 'with --measure: candidates at most; 24 unless given', candidatesSchema),
  new Option('--fresh', 'measure workers and links again although figures of them are kept'),
  ...outputFlags(),
];

/** What the engine is loaded with: with --link one worker, however many are thought of. */
export function engineFlags(flags: PlanFlags): ModelFlags {
  if (flags.link !== undefined) return { ...flags, workers: 1 };
  if (typeof flags.workers === 'number') return { ...flags, workers: parseWorkers(String(flags.workers)) };
  return flags;
}

function parsePlanWorkers(text: string): number | string[] {
  return text.includes(':') ? parseWorkers(text) : parseNumber('--workers', text, workersSchema);
}

function parseLengths(text: string): number[] {
  const lengths = text.split(',').map((each) => parseTokens('--table', each));
  return [...new Set(lengths)].sort((a, b) => a - b);
}
