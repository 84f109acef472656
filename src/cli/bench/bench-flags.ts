/**
 * The flags of `kvr bench`: lists, emulated clusters, the report's file.
 */
import { Option } from 'commander';
import { z } from 'zod';
import { MAX_LOCAL_WORKERS } from '../../cluster/worker-source.js';
import {
  BENCH_STRATEGIES,
  type BenchStrategyName,
  type EmulatedCluster,
  MAX_REPEATS,
} from '../../evaluation/bench/index.js';
import { engineOptionsSchema } from '../../engine/options/options.js';
import {
  machineFlags,
  type ModelFlags,
  modelFlag,
  numberFlag,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';
import { parseList } from '../terminal/lists.js';
import { parseNumber } from '../terminal/numbers.js';
import { parseTokens } from '../../core/quantities.js';
import { parseCluster, parseStrategies, parseWorkers } from './bench-values.js';

export type BenchFlags = Omit<ModelFlags, 'workers' | 'calibrate'> &
  OutputFlags & {
    readonly strategies?: BenchStrategyName[];
    readonly context?: number[];
    readonly workers?: number[] | string[];
    readonly singleThreads?: number[];
    readonly repeats?: number;
    readonly seed?: number;
    readonly emulate?: EmulatedCluster[];
    readonly report?: string;
  };

const MACHINE_FLAGS = ['threads', 'dtype', 'kv-dtype', 'cache-dir', 'chunk-tokens', 'kv-memory'];
const repeatsSchema = z.number().int().min(1).max(MAX_REPEATS);
const seedSchema = z.number().int().min(0).max(0xffff_ffff);

export const benchFlags = (): Option[] => [
  modelFlag(),
  new Option(
    '--strategies <LIST>',
    `what to set side by side (${BENCH_STRATEGIES.join(',')}); all unless given`,
  ).argParser(parseStrategies),
  new Option('--context <LIST>', 'tokens of the prompts, as in 512,2k; 512 unless given').argParser((text) =>
    parseList('--context', text, parseTokens),
  ),
  new Option(
    '-w, --workers <LIST>',
    `numbers of worker processes (from 1 to ${MAX_LOCAL_WORKERS}), as in 1,2, or HOST:PORT,HOST:PORT for one chain of workers that run already; 2 unless given`,
  ).argParser(parseWorkers),
  ...machineFlags().filter((option) => MACHINE_FLAGS.includes(option.name())),
  new Option(
    '--single-threads <LIST>',
    'threads of the one worker of "single", a row each, as in 1,2; --threads unless given',
  ).argParser((text) =>
    parseList('--single-threads', text, (flag, each) =>
      parseNumber(flag, each, engineOptionsSchema.shape.threads),
    ),
  ),
  numberFlag('--repeats <N>', 'rounds over all rows; 3 unless given', repeatsSchema),
  numberFlag('--seed <N>', "of the prompts' token ids; 0 unless given", seedSchema),
  new Option(
    '--emulate <CLUSTER>',
    'more workers than cores, as in workers=8,link=10Gbit,latency=50us: kernels are run and timed one at a time, links and overlap modelled; can be given more than once',
  ).argParser((text: string, before: EmulatedCluster[] | undefined) => [
    ...(before ?? []),
    parseCluster(text),
  ]),
  new Option(
    '--report <FILE>',
    'write a page with bars, a table and the timeline of every rank (HTML, one file)',
  ),
  ...outputFlags(),
];
