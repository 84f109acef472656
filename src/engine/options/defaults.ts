/**
 * Defaults of workers where the options say nothing.
 */
import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { KvrError } from '../../core/errors.js';
import type { Dtype } from '../../core/shape.js';
import { areStartedHere, type WorkersOption } from '../../cluster/worker-source.js';

/** Part of the machine's memory that the KV-caches of all its workers may take. */
const KV_MEMORY_SHARE = 0.5;

export function defaultThreads(workers: number): number {
  return Math.max(1, Math.floor(availableParallelism() / workers));
}

/** Every graph has its own threads, so the default is bounded; more than this was not measured. */
const MOST_DECODE_THREADS = 16;

/** Those of all workers, as far as there are cores. */
export function defaultDecodeThreads(dtype: Dtype, workers: number, threads: number): number {
  if (dtype === 'f32') return threads;
  return Math.max(threads, Math.min(availableParallelism(), workers * threads, MOST_DECODE_THREADS));
}

export function defaultKvBytes(workers: number): number {
  return Math.floor((totalmem() * KV_MEMORY_SHARE) / workers);
}

/** A quarter of the KV-cache each worker may hold: for commands that answer one prompt after another. */
export function defaultPrefixCacheBytes(
  workers: WorkersOption = 1,
  kvMemoryBytes = defaultKvBytes(areStartedHere(workers) ? workers : 1),
): number {
  return Math.floor(kvMemoryBytes / 4);
}

/** Of all blocks in the folder of a prefix cache on disk: some hundred thousand tokens of a small model. */
export const DEFAULT_PREFIX_DISK_BYTES = 10e9;

type PrefixOptions = {
  readonly prefixCacheBytes?: number | undefined;
  readonly prefixCacheDir?: string | undefined;
  readonly prefixDiskBytes?: number | undefined;
};

/** Where prefixes are kept on disk; undefined where nowhere. @throws BAD_INPUT for options that do not go together */
export function prefixDiskOf({
  prefixCacheBytes,
  prefixCacheDir: folder,
  prefixDiskBytes: bytes = DEFAULT_PREFIX_DISK_BYTES,
}: PrefixOptions): { readonly folder: string; readonly bytes: number } | undefined {
  if (folder === undefined) return undefined;
  if (prefixCacheBytes !== 0) return { folder: resolve(folder), bytes };
  const words =
    'rows go to the prefix cache on disk from the one in memory, which is turned off; leave the 0 out, or the folder';
  throw new KvrError('BAD_INPUT', words);
}
