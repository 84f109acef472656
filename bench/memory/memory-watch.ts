/**
 * The anonymous memory of an engine's workers over time, as Linux counts it: at the start, the most so far, now. Stops a benchmark
 * before the machine runs out.
 */
import { type Engine, KvrError } from '../../src/index.js';
import { anonymousBytes } from '../runner/process-memory.js';

export type WatchedWorker = {
  readonly worker: string;
  readonly startBytes: number;
  readonly mostBytes: number;
  readonly nowBytes: number;
};

/** Often enough for a cache that lives as long as one kernel call; reading takes well under a millisecond. */
const LOOK_MS = 25;

export class MemoryWatch {
  readonly #workers: {
    readonly worker: string;
    readonly pid: number;
    startBytes: number;
    mostBytes: number;
  }[];
  readonly #timer: NodeJS.Timeout;
  readonly #guard = new AbortController();

  /** @param guardBytes a worker that has more ends the benchmark: `signal` aborts */
  constructor({ workers }: Engine, guardBytes: number) {
    this.#workers = workers.map(({ handle, ready: { pid } }) => {
      const bytes = anonymousBytes(pid);
      return { worker: handle.id, pid, startBytes: bytes, mostBytes: bytes };
    });
    this.#timer = setInterval(() => this.#look(guardBytes), LOOK_MS);
  }

  get signal(): AbortSignal {
    return this.#guard.signal;
  }

  now(): WatchedWorker[] {
    return this.#workers.map(({ pid, ...own }) => ({ ...own, nowBytes: anonymousBytes(pid) }));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(guardBytes: number): void {
    for (const own of this.#workers) {
      const bytes = anonymousBytes(own.pid);
      own.mostBytes = Math.max(own.mostBytes, bytes);
      if (bytes <= guardBytes) continue;
      const message = `worker ${own.worker} has ${Math.round(bytes / 1e6)} MB, the guard is ${guardBytes / 1e6} MB`;
      this.#guard.abort(new KvrError('INTERNAL', message));
    }
  }
}
