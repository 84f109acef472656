/**
 * A request for a chain, with every choice made: token ids, workers and their slices.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import type { WorkerHandle } from '../../cluster/worker-handle.js';
import type { ReusedRows } from './prefix-index.js';
import type { Partition } from '../../core/partition.js';
import type { RequestSpec } from '../../core/request.js';

export type ChainRequest = {
  readonly id: number;
  readonly spec: RequestSpec;
  readonly ids: Int32Array;
  /** Ids of the answer so far, where an earlier chain was lost: this one goes on behind them. */
  readonly answered?: readonly number[];
  readonly partition: Partition;
  /** In rank order, as many as the partition has slices. */
  readonly workers: readonly ClusterWorker[];
  /** Rows that rank 0's worker has kept of an earlier request. */
  readonly reuse?: ReusedRows;
  /** Called before the last rank's part is sent, where it needs to know the vocabulary. */
  readonly sendVocabulary?: (handle: WorkerHandle) => void;
  readonly signal?: AbortSignal;
  /** Called before any worker is sent its part. */
  readonly onStart?: () => void;
  /**
   * Called once for every rank after that, whatever becomes of the request or its reader: its worker has freed what it held, or
   * is gone, or has not said so for a long time.
   */
  readonly onRankEnd?: (rank: number) => void;
  /** The limit as it was asked for, and what is left of it. */
  readonly deadline?: { readonly limitMs: number; readonly leftMs: number };
};
