/**
 * Where workers come from. A cluster opens or finds them, links them all to each other, opens again what is lost, and ends what
 * it started.
 */
import { KvrError } from '../core/errors.js';
import type { ReadyWorker, WorkerHandle } from './worker-handle.js';

export type ClusterWorker = { readonly handle: WorkerHandle; readonly ready: ReadyWorker };

/** A worker of the cluster, whether it can be used now or not. */
export type ClusterMember = {
  readonly id: string;
  /** 'opening': gone, and being started or dialled again; 'unlinked': open, but without a link to one before it in the chain. */
  readonly status: 'usable' | 'opening' | 'unlinked';
  /** Why it can not be used. */
  readonly reason?: KvrError;
};

export interface Cluster {
  /** All of them, in chain order. */
  readonly members: readonly ClusterMember[];
  /** Those that can be used now, in chain order: open, and each linked to all the others. */
  readonly workers: readonly ClusterWorker[];
  /** Workers share one machine and no other engine uses them: one may decode with all cores while the others rest. */
  readonly allowsAllCoreDecode: boolean;
  /** Calls the listener whenever `members` have changed. @returns a function that stops it */
  onChange(listener: () => void): () => void;
  /** Ends what was started; settles when nothing is left. Twice is harmless. */
  close(): Promise<void>;
}

/** What an engine demands of a worker, whenever one is opened. @returns what is wrong with it */
export type WorkerCheck = (worker: ClusterWorker) => KvrError | undefined;

/** The error of a start that was cancelled. */
export function cancelledStart(): KvrError {
  return new KvrError('CANCELLED', 'cancelled while starting workers');
}
