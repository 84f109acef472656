/**
 * A request as the compute thread holds it: its part of the prompt, its cache, and which rows of others are there.
 */
import type { Slice } from '../../../core/partition.js';
import type { BackendModel } from '../../../runtime/backend/backend.js';
import type { KvCache } from '../../../runtime/backend/kv-cache.js';
import type { Recorder } from './recorder.js';
import type { RowCoverage } from './row-coverage.js';
import type { Job } from '../../threads/thread-messages.js';

export type ActiveRequest = {
  readonly job: Job;
  readonly rank: number;
  readonly slice: Slice;
  /** Tokens at the slice's front whose rows are in the cache from the start, or were read from disk before anything else. */
  cachedTokens: number;
  /** Those of them that came from disk. */
  storedTokens: number;
  /** Its layers with a window have the rows that the row at this position sees, and all after it; 0: all rows. */
  rowsStart: number;
  readonly contextTokens: number;
  readonly cache: KvCache;
  /** Per layer, which of the rows that this rank waits for are there. */
  readonly coverage: readonly RowCoverage[];
  /** Per layer, the first row that the next rank needs. */
  readonly firstForNext: readonly number[];
  readonly recorder: Recorder;
  isCancelled: boolean;
};

/** Rows of an earlier request that this one begins with. */
export type Reuse = {
  readonly cache: KvCache;
  readonly tokens: number;
  /** See ActiveRequest.rowsStart; that of the cache unless given. */
  readonly start?: number;
};

/** The part of a model that makes caches. */
export type CacheMaker = Pick<BackendModel, 'shape' | 'createCache' | 'continueCache'>;
