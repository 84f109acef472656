/**
 * The compute thread as the network thread sees it: started, posted to, and how much it has not read yet.
 */
import { Worker } from 'node:worker_threads';
import { postToCompute, wakeCompute } from './mailbox.js';
import {
  COUNTER_BYTES,
  COUNTERS,
  type ComputeSettings,
  type FromCompute,
  kib,
  type KvRows,
  MAX_UNREAD_KIB,
  type ToCompute,
} from './thread-messages.js';

export class ComputeHandle {
  readonly #thread: Worker;
  readonly #counters: Int32Array;
  /** Settles when the thread is gone, with the error that ended it if one did. */
  readonly exited: Promise<Error | undefined>;

  /** @param counters COUNTER_BYTES of zeros */
  constructor(
    settings: Omit<ComputeSettings, 'counters'>,
    onMessage: (message: FromCompute) => void,
    counters = new SharedArrayBuffer(COUNTER_BYTES),
  ) {
    this.#counters = new Int32Array(counters);
    const workerData: ComputeSettings = { ...settings, counters };
    this.#thread = new Worker(new URL('../compute-thread.js', import.meta.url), { workerData });
    this.#thread.on('message', onMessage);
    this.exited = new Promise((resolve) => {
      let failure: Error | undefined;
      this.#thread.on(
        'error',
        (error) => (failure = error instanceof Error ? error : new Error(String(error))),
      );
      this.#thread.on('exit', () => resolve(failure));
    });
  }

  post(message: ToCompute, transfer: ArrayBuffer[] = []): void {
    postToCompute((m, t) => this.#thread.postMessage(m, t), this.#counters, message, transfer);
  }

  /** Hands over rows of a prefix. `mayMove` is false while the same bytes are still on their way to the next rank. */
  postRows(rows: KvRows, mayMove: boolean): void {
    Atomics.add(this.#counters, COUNTERS.unreadKib, kib(rows.payload.byteLength));
    this.post({ type: 'kv', ...rows }, mayMove ? [rows.payload.buffer] : []);
  }

  get isBehind(): boolean {
    return Atomics.load(this.#counters, COUNTERS.unreadKib) > MAX_UNREAD_KIB;
  }

  /** Own rows of the compute thread have left the process; it may be asleep until enough have. */
  countSent(bytes: number): void {
    Atomics.sub(this.#counters, COUNTERS.unsentKib, kib(bytes));
    wakeCompute(this.#counters);
  }
}
