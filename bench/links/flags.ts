/** The flags of `links`. */
import { Option } from 'commander';
import { parseStrategies } from '../../src/cli/bench/bench-values.js';
import { shown } from '../../src/cli/terminal/numbers.js';
import { KvrError } from '../../src/core/errors.js';
import type { Dtype } from '../../src/core/shape.js';
import { BENCH_STRATEGIES, type BenchStrategyName } from '../../src/evaluation/bench/index.js';
import {
  cacheDirFlag,
  contextsFlag,
  dtypeFlag,
  listFlag,
  modelFlag,
  repeatsFlag,
  seedFlag,
} from '../runner/flags.js';

export type Link = { readonly mbit: number; readonly oneWayMs: number };

export type Flags = {
  readonly model: string;
  readonly dtype: Dtype;
  readonly context: readonly number[];
  readonly links: readonly Link[];
  readonly strategies: readonly BenchStrategyName[];
  readonly repeats: number;
  readonly seed: number;
  readonly cacheDir?: string;
};

const LINKS = '10000/0,10000/5,1000/0,1000/5,200/0,200/5';
const MOST_MBIT = 100_000;
const MOST_MS = 1000;

export const linksFlags = (): Option[] => [
  modelFlag('synthetic:tinyllama-1.1b,layers=8'),
  dtypeFlag('f32'),
  contextsFlag([512, 1024, 2048, 4096]),
  listFlag(
    '--links <LIST>',
    'links as MBIT/ONE_WAY_MS; 0 ms adds nothing to the 0.1 ms of the relay',
    LINKS.split(',').map((text) => parseLink('--links', text)),
    parseLink,
    LINKS,
  ),
  new Option('--strategies <LIST>', `what to set side by side (${BENCH_STRATEGIES.join(',')})`)
    .argParser(parseStrategies)
    .default([...BENCH_STRATEGIES], 'all'),
  repeatsFlag(5),
  seedFlag(),
  cacheDirFlag(),
];

/** '200/5' → 200 Mbit/s and 5 ms in each direction. @throws BAD_INPUT */
export function parseLink(flag: string, text: string): Link {
  const [, mbit, oneWayMs] = /^(\d{1,6})\/(\d{1,4}(?:\.\d+)?)$/.exec(text) ?? [];
  const link = { mbit: Number(mbit), oneWayMs: Number(oneWayMs) };
  if (link.mbit >= 1 && link.mbit <= MOST_MBIT && link.oneWayMs <= MOST_MS) return link;
  throw new KvrError(
    'BAD_INPUT',
    `${flag} ${shown(text)} is no link; give MBIT/ONE_WAY_MS, from 1 to ${MOST_MBIT} Mbit/s and at most ${MOST_MS} ms, as in 200/5`,
  );
}
