/**
 * One worker of a cluster as it comes and goes: opened, watched and, when it is gone, opened again until the cluster closes.
 * How a worker is opened is the source's matter (local.ts, static.ts).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { asKvrError, type KvrError } from '../core/errors.js';
import { wallClock } from '../core/clock.js';
import type { ClusterMember, ClusterWorker } from './cluster.js';
import { retryWaitMs } from '../link/reach/retry-wait.js';

/** A worker that was opened, with what has to be done for it later. */
export type OpenedWorker = ClusterWorker & {
  /** Called once, when the worker is linked to all the others that are there: nobody has to find it any more. */
  linked(): Promise<void>;
  /** Tells it why it is not wanted, where it would come again otherwise. */
  refuse?(reason: KvrError): void;
  /** Closes the link to it, and ends it where it was started here; settles when nothing is left. */
  end(): Promise<void>;
};

/** @throws LINK, WORKER_*, CANCELLED; nothing is left then */
export type OpenWorker = (signal: AbortSignal) => Promise<OpenedWorker>;

export class Member {
  readonly id: string;
  readonly #open: OpenWorker;
  readonly #onChange: (member: Member) => void;
  readonly #closing = new AbortController();
  #opened: OpenedWorker | undefined;
  #reason: KvrError | undefined;
  #lastFault: ClusterMember['lastFault'];
  #failures = 0;
  #watching: Promise<void> = Promise.resolve();

  /** @param onChange called when the worker is there and when it is gone */
  constructor(id: string, open: OpenWorker, onChange: (member: Member) => void) {
    this.id = id;
    this.#open = open;
    this.#onChange = onChange;
  }

  /** Undefined while the worker can not be had. */
  get worker(): OpenedWorker | undefined {
    return this.#opened?.handle.isEnded ? undefined : this.#opened;
  }

  /** Why there is no worker, as far as that is known. */
  get reason(): KvrError | undefined {
    return this.worker ? undefined : this.#reason;
  }

  /** What is known of it, whether it is there or not. */
  get known(): Pick<ClusterMember, 'ready' | 'address' | 'lastFault'> {
    const { ready, handle } = this.#opened ?? {};
    const address = handle?.address;
    return {
      ...(ready && { ready }),
      ...(address && { address }),
      ...(this.#lastFault && { lastFault: this.#lastFault }),
    };
  }

  /** Opens the worker for the first time, and watches it from then on. @throws as OpenWorker */
  async start(signal?: AbortSignal): Promise<void> {
    const { signal: closing } = this.#closing;
    const opened = await this.#open(signal ? AbortSignal.any([signal, closing]) : closing);
    this.#take(opened);
    this.#watching = this.#watch(opened);
  }

  /** Ends the worker, and what is being opened; settles when nothing is left. Twice is harmless. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#opened?.handle.close();
    await this.#watching;
  }

  #take(opened: OpenedWorker): void {
    this.#opened = opened;
    this.#failures = 0;
    this.#onChange(this);
  }

  async #watch(first: OpenedWorker): Promise<void> {
    for (let opened: OpenedWorker | undefined = first; opened; opened = await this.#openAgain()) {
      if (opened !== first) this.#take(opened);
      this.#reason = await opened.handle.ended;
      if (this.#reason) this.#lastFault = { atMs: wallClock(), reason: this.#reason };
      this.#onChange(this);
      await opened.end();
    }
  }

  /** @returns undefined when the cluster closes */
  async #openAgain(): Promise<OpenedWorker | undefined> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        return await this.#open(signal);
      } catch (error) {
        this.#reason = asKvrError(error);
        this.#failures++;
        this.#onChange(this);
      }
      await pause(retryWaitMs(this.#failures), undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }
}
