/**
 * The flags of `kvr bench`: lists, emulated clusters, the report's file. Every value is checked before anything starts.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Option } from 'commander';
import { z } from 'zod';
import { MAX_LOCAL_WORKERS } from '../../cluster/worker-source.js';
import { KvrError } from '../../core/errors.js';
import { MAX_RANKS } from '../../core/partition.js';
import {
  BENCH_STRATEGIES,
  type BenchStrategyName,
  type EmulatedCluster,
  inTableOrder,
  MAX_REPEATS,
} from '../../evaluation/bench/index.js';
import { engineOptionsSchema } from '../../engine/options/options.js';
import { parseAddress } from '../../link/address.js';
import { KV_FRAME_BYTES } from '../../link/frame.js';
import {
  machineFlags,
  type ModelFlags,
  modelFlag,
  numberFlag,
  type OutputFlags,
  outputFlags,
} from '../flags/index.js';
import { parseList } from '../terminal/lists.js';
import { parseNumber, shown } from '../terminal/numbers.js';
import { parseDuration, parseRate, parseTokens } from '../../core/quantities.js';

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
const workersSchema = z.number().int().min(1).max(MAX_LOCAL_WORKERS);
const ranksSchema = z.number().int().min(1).max(MAX_RANKS);
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

/** @throws BAD_INPUT */
export function parseStrategies(text: string): BenchStrategyName[] {
  const given = parseList('--strategies', text, (flag, name) => {
    const found = BENCH_STRATEGIES.find((each) => each === name);
    if (found !== undefined) return found;
    throw bad(`${flag} ${shown(name)} is unknown; give some of ${BENCH_STRATEGIES.join(',')}`);
  });
  return inTableOrder(given);
}

/** Numbers, or addresses where there is a colon. @throws BAD_INPUT */
export function parseWorkers(text: string): number[] | string[] {
  if (!text.includes(':'))
    return parseList('--workers', text, (flag, each) => parseNumber(flag, each, workersSchema));
  return parseList('--workers', text, (_flag, each) => {
    parseAddress(each);
    return each;
  });
}

const CLUSTER_HELP = 'give workers=N, link=SPEED and latency=TIME, as in workers=8,link=10Gbit,latency=50us';

/** @throws BAD_INPUT */
export function parseCluster(text: string): EmulatedCluster {
  const given = new Map<string, string>();
  for (const part of text.split(',')) {
    const [, name, value] = /^(workers|link|latency)=(.*)$/.exec(part) ?? [];
    if (name === undefined || value === undefined)
      throw bad(`--emulate ${shown(part)} is not understood; ${CLUSTER_HELP}`);
    if (given.has(name)) throw bad(`--emulate gives ${name} twice; give it once`);
    given.set(name, value);
  }
  const read = (name: string): string => {
    const value = given.get(name);
    if (value !== undefined) return value;
    throw bad(`--emulate ${shown(text)} lacks ${name}; ${CLUSTER_HELP}`);
  };
  const workers = parseNumber('--emulate workers', read('workers'), ranksSchema);
  const bytesPerS = parseRate('--emulate link', read('link'));
  const latencyMs = parseDuration('--emulate latency', read('latency'));
  return { workers, link: { bytesPerS, latencyMs, frameBytes: KV_FRAME_BYTES } };
}

/** What can not be seen from one flag alone. @throws BAD_INPUT */
export async function checkBenchFlags(flags: BenchFlags): Promise<void> {
  const { emulate, workers, singleThreads, report } = flags;
  if (emulate && workers) throw bad('--emulate says how many workers there are; leave --workers out');
  if (emulate && singleThreads)
    throw bad('--emulate gives all workers the same threads; use --threads instead of --single-threads');
  if (singleThreads && typeof workers?.[0] === 'string')
    throw bad(
      '--single-threads is for local workers; those at addresses have the threads they were started with',
    );
  if (report !== undefined) await checkReport(report);
}

/** A page that can not be written must not be found out about after hours of measuring. */
async function checkReport(file: string): Promise<void> {
  if (file === '') throw bad('--report is empty; give the name of a file');
  const folder = dirname(resolve(file));
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw bad(
      `--report ${shown(file)}: folder ${folder} can not be written to; give a file in one that can`,
      error,
    );
  }
  const isFolder = await stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) throw bad(`--report ${shown(file)} is a folder; give the name of a file`);
}

function bad(message: string, cause?: unknown): KvrError {
  return new KvrError('BAD_INPUT', message, {}, cause);
}
