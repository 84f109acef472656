/**
 * Where an engine's workers come from, as a value. A new kind is a member here, a file beside local.ts and static.ts, and a
 * line in open-cluster.ts.
 */

import type { LinkSecurity } from '../link/security/link-security.js';
import type { RoomAddress } from './room/room-address.js';
import type { OfferedModel } from './transfer/messages.js';
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
    }
  /** Workers that dial this engine, in the order in which they come. */
  | {
      readonly kind: 'joined';
      /** HOST:PORT of this machine. */
      readonly listen: string;
      readonly security?: LinkSecurity;
      /** Listen beyond this machine without security. */
      readonly insecure: boolean;
      /** What they must run. */
      readonly model: OfferedModel;
      /** The compiled model, for those who come without: made when the first one asks. */
      readonly files: WorkerFiles;
      /** Gets one line about everything that happens to them. */
      readonly tell: (words: string) => void;
    }
  /** Workers that say in a room at NATS where they listen, in the order in which they are found. */
  | {
      readonly kind: 'nats';
      readonly room: RoomAddress;
      readonly security?: LinkSecurity;
      /** Dial workers of other machines without security. */
      readonly insecure: boolean;
      /** Begin without any, and without NATS, and wait for both. */
      readonly mayBeEmpty: boolean;
      /** What they must run. */
      readonly model: Pick<OfferedModel, 'digest' | 'dtype' | 'chunkTokens'>;
      /** Gets one line about everything that happens to them. */
      readonly tell: (words: string) => void;
    };

/** Where an engine listens for workers that dial it. */
export type ListenOption = { readonly listen: string; readonly insecure?: boolean | undefined };
/** The room in which an engine finds workers. */
export type RoomOption = {
  readonly room: RoomAddress;
  readonly insecure?: boolean | undefined;
  readonly mayBeEmpty?: boolean | undefined;
};
/** What people give: a number of workers to start, the addresses of running ones, where workers may come, or are found. */
export type WorkersOption = number | readonly string[] | ListenOption | RoomOption;

/** True where the workers are to be started here: they then get what the engine's options say. */
export function areStartedHere(workers: WorkersOption): workers is number {
  return typeof workers === 'number';
}

/** True where workers dial the engine. */
export function mayDial(workers: WorkersOption): workers is ListenOption {
  return typeof workers === 'object' && 'listen' in workers;
}

/** True where the engine finds them in a room. */
export function areFound(workers: WorkersOption): workers is RoomOption {
  return typeof workers === 'object' && 'room' in workers;
}

/** Of workers that come and go, the least that anything can be said for. */
export function workerCount(workers: WorkersOption): number {
  if (areStartedHere(workers)) return workers;
  return mayDial(workers) || areFound(workers) ? 1 : workers.length;
}

/** What the engine calls a worker that it started. */
export function localWorkerId(index: number): string {
  return `local-${index}`;
}
