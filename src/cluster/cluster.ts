/**
 * Where workers come from. A cluster opens or finds them, links them all to each other, opens again what is lost, and ends what
 * it started.
 */
import { KvrError } from '../core/errors.js';
import type { Address } from '../link/address.js';
import type { FilesState } from './worker-files.js';
import type { ReadyWorker, WorkerHandle } from './worker-handle.js';

export type ClusterWorker = {
  readonly handle: WorkerHandle;
  readonly ready: ReadyWorker;
  /** What it runs from, where this machine looks after that; its tokens are final when the files are known to be whole. */
  readonly files?: FilesState;
};

/** A worker of the cluster, whether it can be used now or not. */
export type ClusterMember = {
  readonly id: string;
  /**
   * 'opening': gone, and being started or dialled again; 'unlinked': open, but without a link to one before it in the chain;
   * 'preparing': about to be used for the first time.
   */
  readonly status: 'usable' | 'opening' | 'unlinked' | 'preparing';
  /** Why it can not be used. */
  readonly reason?: KvrError;
  /** What it said of itself, now or when it was there last. */
  readonly ready?: ReadyWorker;
  /** Where others dial it; undefined where nobody can, or it is not known. */
  readonly address?: Address;
  /** When it was lost last, in milliseconds since the epoch, and why. */
  readonly lastFault?: { readonly atMs: number; readonly reason: KvrError };
};

export interface Cluster {
  /** All of them, in chain order. */
  readonly members: readonly ClusterMember[];
  /** Those that can be used now, in chain order: open, and each linked to all the others. */
  readonly workers: readonly ClusterWorker[];
  /** Workers share one machine and no other engine uses them: one may decode with all cores while the others rest. */
  readonly allowsAllCoreDecode: boolean;
  /** What to type on another machine so that a worker of it joins; undefined where none can. */
  readonly invitation?: string | undefined;
  /** Of a cluster that others come to: how many were kept out, by reason. */
  readonly refusals?: ReadonlyMap<string, number> | undefined;
  /** Calls the listener whenever `members` have changed. @returns a function that stops it */
  onChange(listener: () => void): () => void;
  /** Ends what was started; settles when nothing is left. Twice is harmless. */
  close(): Promise<void>;
}

/** What an engine demands of a worker, whenever one is opened. @returns what is wrong with it */
export type WorkerCheck = (worker: ClusterWorker) => KvrError | undefined;

/**
 * What an engine does with a worker before it uses it: it has passed the check, and is linked to those it could be linked to.
 * @param chain the workers that can be used and this one among them, in chain order. @throws where it can not be used after all
 */
export type PrepareWorker = (worker: ClusterWorker, chain: readonly ClusterWorker[]) => Promise<void>;

/** The error of a start that was cancelled. */
export function cancelledStart(): KvrError {
  return new KvrError('CANCELLED', 'cancelled while starting workers');
}
