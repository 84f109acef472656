/** The flags of `concurrency`, and what its parts are given. */
import type { Option } from 'commander';
import { seededRandom } from '../../src/core/random.js';
import type { Dtype } from '../../src/core/shape.js';
import { Engine } from '../../src/index.js';
import {
  contextFlag,
  countFlag,
  dtypeFlag,
  listFlag,
  modelFlag,
  parseWord,
  seedFlag,
  threadsFlag,
  workersFlag,
} from '../runner/flags.js';

const PARTS = ['many', 'stream', 'cancel', 'chat'] as const;
export type Part = (typeof PARTS)[number];

export type Flags = {
  readonly model: string;
  readonly dtype: Dtype;
  readonly workers: number;
  readonly threads: number;
  readonly requests: number;
  readonly clients: number;
  readonly context: number;
  readonly parts: readonly Part[];
  readonly seed: number;
};

export const concurrencyFlags = (): Option[] => [
  modelFlag('synthetic:tinyllama-1.1b,layers=4,vocab=4000'),
  dtypeFlag('f32'),
  workersFlag(2),
  threadsFlag(1),
  countFlag('--requests <N>', 'requests of the part "many"', 200),
  countFlag('--clients <N>', 'how many of them at once', 16),
  contextFlag(4096),
  listFlag('--parts <LIST>', `what to run (${PARTS.join(',')})`, PARTS, (flag, text) =>
    parseWord(flag, text, PARTS),
  ),
  seedFlag(),
];

export function loadEngine(flags: Flags, prefixCacheBytes = 0): Promise<Engine> {
  const { model, dtype, workers, threads } = flags;
  return Engine.load({ model, dtype, workers, threads, prefixCacheBytes });
}

/** Prompts of any length, each of other ids. */
export type Prompts = {
  readonly ids: (tokens: number) => number[];
  /** Uniform in [0, 1). */
  readonly random: () => number;
};

export function promptsFor({ seed }: Flags, { model }: Engine): Prompts {
  const random = seededRandom(seed + 1);
  const { vocabulary } = model.shape;
  const ids = (tokens: number): number[] =>
    Array.from({ length: tokens }, () => Math.floor(random() * vocabulary));
  return { ids, random };
}
