/**
 * Where an engine's workers come from, as a value. A new kind is a member here, a file beside local.ts and static.ts, and a
 * line in open-cluster.ts.
 */

import type { LinkSecurity } from '../link/security/link-security.js';
import type { WorkerFiles } from './worker-files.js';

/** Workers one machine may be asked for; more would only fight for its cores. */
export const MAX_LOCAL_WORKERS = 64;

/** What every worker that is started gets. */
export type LocalWorkerSettings = {
  readonly compiledFolder: string;
  readonly threads: number;
  readonly decodeThreads: number;
  readonly chunkTokens: number;
  readonly kvBytesLimit: number;
  readonly prefixCacheBytes: number;
  /** Where they are kept on disk as well, which all of them share. */
  readonly prefixDisk?: { readonly folder: string; readonly bytes: number };
};

export type WorkerSource =
  /** Processes on this machine that the engine starts, and ends. */
  | {
      readonly kind: 'local';
      readonly count: number;
      readonly settings: Omit<LocalWorkerSettings, 'compiledFolder'>;
      readonly files: WorkerFiles;
    }
  /** Workers that run already and keep running, at HOST:PORT each, in chain order. */
  | {
      readonly kind: 'static';
      readonly addresses: readonly string[];
      /** Undefined for plain links. */
      readonly security?: LinkSecurity;
    };

/** What people give: a number of workers to start, or the addresses of running ones. */
export type WorkersOption = number | readonly string[];

/** True where the workers are to be started here: they then get what the engine's options say. */
export function areStartedHere(workers: WorkersOption): workers is number {
  return typeof workers === 'number';
}

export function workerCount(workers: WorkersOption): number {
  return areStartedHere(workers) ? workers : workers.length;
}

/** What the engine calls a worker that it started. */
export function localWorkerId(index: number): string {
  return `local-${index}`;
}
