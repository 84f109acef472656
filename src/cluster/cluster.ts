/**
 * Where workers come from. A cluster starts or finds them, links them all to each other, and ends them.
 */
import { KvrError } from '../core/errors.js';
import type { ReadyWorker, WorkerHandle } from './worker-handle.js';

export type ClusterWorker = { readonly handle: WorkerHandle; readonly ready: ReadyWorker };

export interface Cluster {
  /** In chain order. */
  readonly workers: readonly ClusterWorker[];
  /** Workers share one machine and no other engine uses them: one may decode with all cores while the others rest. */
  readonly allowsAllCoreDecode: boolean;
  /**
   * Settles once the files that the workers run from were read: false where they are damaged, and the workers ended. No answer
   * is final before. Absent where the workers' own machines look after that.
   */
  readonly isSound?: Promise<boolean>;
  /** Ends what was started; settles when nothing is left. Twice is harmless. */
  close(): Promise<void>;
}

/** Starts, or starts again, the workers of a loaded model. */
export type StartCluster = (signal?: AbortSignal) => Promise<Cluster>;

/** The error of a start that was cancelled. */
export function cancelledStart(): KvrError {
  return new KvrError('CANCELLED', 'cancelled while starting workers');
}

/** Links every pair of workers; the earlier one dials the later. */
export async function linkAll(handles: readonly WorkerHandle[], signal?: AbortSignal): Promise<void> {
  await Promise.all(handles.map((handle, index) => handle.connectPeers(handles.slice(index + 1), signal)));
}
