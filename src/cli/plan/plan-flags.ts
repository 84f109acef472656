/**
 * The flags of `kvr plan`: those of an engine, but --workers may be more than this machine can run.
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
  orderFlags,
  outputFlags,
  parsePartition,
  parseWorkers,
} from '../flags/index.js';
import { describeBounds, parseNumber } from '../terminal/numbers.js';
import { requestSchema } from '../../engine/options/request.js';
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
  readonly prefer?: NonNullable<ChainFlags['prefer']>;
  readonly decodeOn?: string;
  readonly maxTokens?: number;
};

const workersSchema = z.number().int().min(1).max(MAX_RANKS);
const repeatsSchema = z.number().int().min(1).max(1000);
const candidatesSchema = z.number().int().min(1).max(10_000);
/** Flags of an engine that are not taken over: --workers has a help text of its own, and a plan needs measurements. */
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
    'auto (planned, may leave workers out), or for all workers: s (searched), p (from the table), e (even), or sizes; auto unless given',
  ).argParser(parsePartition),
  ...orderFlags(),
  numberFlag(
    '-n, --max-tokens <N>',
    'new tokens that are asked for, which the last rank decodes; 1 unless given',
    requestSchema.shape.maxTokens.unwrap().min(1),
  ),
  new Option(
    '--link <SPEED>',
    'plan for --workers equal workers that need not exist, each like one of this machine, over links of 10Gbit, 200Mbit, 12GB/s, …',
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
    'search by real runs, for --context or the lengths of --table; the results are kept in the table',
  ),
  numberFlag(
    '--repeats <N>',
    'with --measure: runs of each candidate, of which the median counts; 3 unless given',
    repeatsSchema,
  ),
  numberFlag('--candidates <N>', 'with --measure: the most candidates; 24 unless given', candidatesSchema),
  new Option('--fresh', 'measure workers and links again, even where earlier measurements are kept'),
  ...outputFlags(),
];

/** What the engine is loaded with. With --link one worker is enough: the others are computed from it. */
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
