/**
 * From flags to what a bench is asked for; defaults, and one element type for all of its engines.
 */
import { defined } from '../flags/defined.js';
import { KV_DTYPES } from '../../core/shape.js';
import { decidedDtype, openWithProgress } from '../../engine/load/load.js';
import { DEFAULT_CHUNK_TOKENS } from '../../engine/options/options.js';
import { BENCH_STRATEGIES, type BenchEngine, type BenchOptions } from '../../evaluation/bench/index.js';
import { notEmpty } from '../flags/index.js';
import { usableCacheFolder } from '../run/cache-check.js';
import type { BenchFlags } from './bench-flags.js';

export const DEFAULTS = {
  strategies: [...BENCH_STRATEGIES],
  context: [512],
  workers: [2],
  repeats: 3,
  seed: 0,
};
const BYTES_PER_MB = 1e6;

/**
 * One dtype for all engines of a bench: --dtype auto is decided for the largest number of workers that it starts itself.
 * Workers that run already have theirs.
 */
export async function withDecidedDtype(
  options: BenchOptions,
  flags: BenchFlags,
  onChoice: (words: string) => void,
): Promise<BenchOptions> {
  const { model, dtype = 'auto', kvDtype = KV_DTYPES[0], cacheDir, threads } = options.engine;
  const { chunkTokens = DEFAULT_CHUNK_TOKENS } = options.engine;
  const counts = flags.emulate ? [1] : (flags.workers ?? DEFAULTS.workers);
  const local = counts.filter((each) => typeof each === 'number');
  if (dtype !== 'auto' || local.length === 0) return options;
  const cache = await usableCacheFolder(cacheDir);
  const checkpoint = await openWithProgress(model, cache, options);
  try {
    const settings = { dtype, kvDtype, chunkTokens, threads, workers: Math.max(...local) };
    const decided = await decidedDtype(checkpoint, settings, cache, { onChoice });
    return { ...options, engine: { ...options.engine, dtype: decided } };
  } finally {
    await checkpoint.close();
  }
}

type Hooks = Required<Pick<BenchOptions, 'signal' | 'onProgress' | 'onNote'>>;

export function benchOptions(flags: BenchFlags, hooks: Hooks): BenchOptions {
  const { strategies, context, repeats, seed } = flags;
  return {
    engine: benchEngine(flags),
    strategies: strategies ?? DEFAULTS.strategies,
    contexts: context ?? DEFAULTS.context,
    repeats: repeats ?? DEFAULTS.repeats,
    seed: seed ?? DEFAULTS.seed,
    ...hooks,
  };
}

function benchEngine(flags: BenchFlags): BenchEngine {
  const { model, threads, dtype, kvDtype, cacheDir, chunkTokens, kvMemory } = flags;
  const kvMemoryBytes = kvMemory && kvMemory * BYTES_PER_MB;
  return {
    model: notEmpty('--model', model),
    ...defined({ threads, dtype, kvDtype, cacheDir, chunkTokens, kvMemoryBytes }),
  };
}
