/**
 * The compute thread's outbox: messages to the network thread, and the bound on own rows that have not left the process yet.
 */
import type { MessagePort } from 'node:worker_threads';
import { asKvrError } from '../../core/errors.js';
import type { Phase } from '../protocol/index.js';
import { COUNTERS, type FromCompute, kib, type KvRows, MAX_UNSENT_KIB } from './thread-messages.js';

/** What went wrong where; without a request it concerns the worker as a whole. */
export type FailurePlace = { readonly phase: Phase; readonly request?: number; readonly layer?: number };

export class Outbox {
  readonly #port: MessagePort;
  readonly #counters: Int32Array;

  constructor(port: MessagePort, counters: Int32Array) {
    this.#port = port;
    this.#counters = counters;
  }

  send(message: FromCompute, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  sendFailure(error: unknown, place: FailurePlace): void {
    const { code, message } = asKvrError(error);
    this.send({ type: 'failed', code, message, ...place });
  }

  get hasRoomToSend(): boolean {
    return Atomics.load(this.#counters, COUNTERS.unsentKib) <= MAX_UNSENT_KIB;
  }

  /** Hands own rows to the network thread. The payload moves. */
  publish(rows: KvRows): void {
    Atomics.add(this.#counters, COUNTERS.unsentKib, kib(rows.payload.byteLength));
    this.send({ type: 'publish', ...rows }, [rows.payload.buffer]);
  }
}
