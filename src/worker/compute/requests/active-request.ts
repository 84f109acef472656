/**
 * A request as the compute thread holds it: its part of the prompt, its cache, and which rows of others are there.
 */
import { contextTokensOf, type Slice, sliceAt } from '../../../core/partition.js';
import { kvBytesPerToken, type ModelShape } from '../../../core/shape.js';
import { KvrError } from '../../../core/errors.js';
import { KvCache } from '../../../runtime/cpu/cache/kv-cache.js';
import { kvRows } from '../../../core/kv-rows.js';
import { strategyOf } from '../../../core/strategy.js';
import { Recorder } from './recorder.js';
import { RowCoverage } from './row-coverage.js';
import type { Job } from '../../threads/thread-messages.js';

export type ActiveRequest = {
  readonly job: Job;
  readonly rank: number;
  readonly slice: Slice;
  /** Tokens at the slice's front whose rows are in the cache from the start. */
  readonly cachedTokens: number;
  readonly contextTokens: number;
  readonly cache: KvCache;
  readonly cacheBytes: number;
  /** Per layer, which of the rows that this rank waits for are there. */
  readonly coverage: readonly RowCoverage[];
  readonly recorder: Recorder;
  isCancelled: boolean;
};

/** Rows of an earlier request that this one begins with. */
export type Reuse = { readonly cache: KvCache; readonly tokens: number };

/**
 * Allocates what the request needs, with the rows of an earlier one copied in once where it goes on from there.
 * @throws WORKER_REFUSED where the system has no room for it
 */
export function openRequest(job: Job, shape: ModelShape, reuse?: Reuse): ActiveRequest {
  const contextTokens = contextTokensOf(job.partition);
  const slice = sliceAt(job.partition, job.rank);
  // A chain needs the rows before its slice; an all-gather needs everyone's, its own included.
  const expectedRows = strategyOf(job.spec.strategy).topology === 'gather' ? contextTokens : slice.start;
  const capacity = kvRows(job);
  const cacheBytes = capacity * kvBytesPerToken(shape, job.spec.kvDtype);
  return {
    job,
    rank: job.rank,
    slice,
    cachedTokens: reuse?.tokens ?? 0,
    contextTokens,
    cache: allocateCache(job, shape, capacity, cacheBytes, reuse),
    cacheBytes,
    coverage: Array.from({ length: shape.layers }, () => new RowCoverage(expectedRows)),
    recorder: new Recorder(),
    isCancelled: false,
  };
}

/** @throws WORKER_REFUSED where the system has no room for it, whatever our own limit says */
function allocateCache(
  { spec: { kvDtype } }: Job,
  shape: ModelShape,
  capacity: number,
  cacheBytes: number,
  reuse?: Reuse,
): KvCache {
  try {
    return reuse
      ? KvCache.continued(shape, reuse.cache, reuse.tokens, capacity)
      : new KvCache(shape, capacity, kvDtype);
  } catch (error) {
    const needed = Math.ceil(cacheBytes / 2 ** 20);
    const message = `no memory for a KV-cache of ${needed} MiB; shorten the prompt or lower the new tokens`;
    throw new KvrError('WORKER_REFUSED', message, {}, error);
  }
}
