/**
 * The compute thread's way to speak to the network thread, and the bound on own rows that the system has not taken yet.
 */
import type { MessagePort } from 'node:worker_threads';
import { COUNTERS, type FromCompute, kib, type KvRows, MAX_UNSENT_KIB } from './thread-messages.js';

export class Outbox {
  readonly #port: MessagePort;
  readonly #counters: Int32Array;

  constructor(port: MessagePort, counters: Int32Array) {
    this.#port = port;
    this.#counters = counters;
  }

  tell(message: FromCompute, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  get hasRoomToSend(): boolean {
    return Atomics.load(this.#counters, COUNTERS.unsentKib) <= MAX_UNSENT_KIB;
  }

  /** Hands own rows to the network thread. The payload moves. */
  publish(rows: KvRows): void {
    Atomics.add(this.#counters, COUNTERS.unsentKib, kib(rows.payload.byteLength));
    this.tell({ type: 'publish', ...rows }, [rows.payload.buffer]);
  }
}
