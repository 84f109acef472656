/**
 * What a chain is to do: a request with every choice made. Ids, not text; workers, not numbers of them.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import type { WorkerHandle } from '../../cluster/worker-handle.js';
import type { Partition } from '../../core/partition.js';
import type { Sampling } from '../../core/sampling.js';
import type { KvDtype } from '../../core/shape.js';
import type { Grammar } from '../../grammar/grammar.js';
import type { StrategyName } from '../../core/strategy.js';

export type ChainSpec = {
  readonly request: number;
  readonly strategy: StrategyName;
  /** In rank order, as many as the partition has slices. */
  readonly workers: readonly ClusterWorker[];
  readonly ids: Int32Array;
  readonly partition: Partition;
  readonly maxTokens: number;
  readonly kvDtype: KvDtype;
  readonly sampling: Sampling;
  readonly eosIds: readonly number[];
  readonly wantLogits: boolean;
  /** What the answer is held to, and how a worker is told the vocabulary it needs for that. */
  readonly grammar?: { readonly rules: Grammar; readonly prepare: (handle: WorkerHandle) => void };
  /** Tokens at which chunks must end as well; see RunMessage. */
  readonly chunkEnds?: readonly number[];
  /** Rows that rank 0's worker has kept; see RunMessage. */
  readonly reuse?: { readonly entry: number; readonly tokens: number };
  /** The last rank is to keep the request's rows. */
  readonly keep?: boolean;
  readonly signal?: AbortSignal;
  /** Called when a rank has said its last word and has let go of its cache. */
  readonly onRankEnd?: (rank: number) => void;
  /** The limit as it was asked for, and what is left of it. */
  readonly deadline?: { readonly limitMs: number; readonly leftMs: number };
};
