/**
 * A request as the compute thread holds it: its part of the prompt, its cache, and which rows of others are there.
 */
import { contextTokensOf, type Slice, sliceAt } from '../../../core/partition.js';
import { kvBytesPerToken } from '../../../core/shape.js';
import { KvrError } from '../../../core/errors.js';
import type { BackendModel } from '../../../runtime/backend/backend.js';
import type { KvCache } from '../../../runtime/backend/kv-cache.js';
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
  /** Per layer, which of the rows that this rank waits for are there. */
  readonly coverage: readonly RowCoverage[];
  readonly recorder: Recorder;
  isCancelled: boolean;
};

/** The part of a model that makes caches. */
export type CacheMaker = Pick<BackendModel, 'shape' | 'createCache' | 'continueCache'>;

/** Rows of an earlier request that this one begins with. */
export type Reuse = { readonly cache: KvCache; readonly tokens: number };

/**
 * Allocates what the request needs, with the rows of an earlier one copied in once where it goes on from there.
 * @throws WORKER_REFUSED where the system has no room for it
 */
export async function openRequest(job: Job, model: CacheMaker, reuse?: Reuse): Promise<ActiveRequest> {
  const contextTokens = contextTokensOf(job.partition);
  const slice = sliceAt(job.partition, job.rank);
  // A chain needs the rows before its slice; an all-gather needs everyone's, its own included.
  const expectedRows = strategyOf(job.spec.strategy).topology === 'gather' ? contextTokens : slice.start;
  return {
    job,
    rank: job.rank,
    slice,
    cachedTokens: reuse?.tokens ?? 0,
    contextTokens,
    cache: await allocateCache(job, model, reuse),
    coverage: Array.from({ length: model.shape.layers }, () => new RowCoverage(expectedRows)),
    recorder: new Recorder(),
    isCancelled: false,
  };
}

/** @throws WORKER_REFUSED where the system has no room for it, whatever our own limit says */
async function allocateCache(job: Job, model: CacheMaker, reuse?: Reuse): Promise<KvCache> {
  const capacity = kvRows(job);
  try {
    return await (reuse
      ? model.continueCache(reuse.cache, reuse.tokens, capacity)
      : model.createCache(capacity, job.spec.kvDtype));
  } catch (error) {
    const needed = Math.ceil((capacity * kvBytesPerToken(model.shape, job.spec.kvDtype)) / 2 ** 20);
    const message = `no memory for a KV-cache of ${needed} MiB; shorten the prompt or lower the new tokens`;
    throw new KvrError('WORKER_REFUSED', message, {}, error);
  }
}
