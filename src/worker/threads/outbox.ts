/**
 * The compute thread's outbox: messages to the network thread, and the bound on own rows that have not left the process yet.
 */
import type { MessagePort } from 'node:worker_threads';
import { asKvrError } from '../../core/errors.js';
import { KV_FRAME_BYTES } from '../../link/frame.js';
import type { CacheRows } from '../../runtime/backend/rows.js';
import type { Phase } from '../protocol/index.js';
import { MAX_UNWRITTEN_KIB, type ToStore } from './store-messages.js';
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

  /**
   * Hands own rows to the network thread, in frames small enough that a relay can pass the first on while the last is still
   * being packed. @param place.start the first row's token. @param place.from the first token whose row is sent
   * @param rows of the request's element type; they stay the caller's
   */
  async publishRows(
    request: number,
    { layer, start, from }: { readonly layer: number; readonly start: number; readonly from: number },
    rows: CacheRows,
  ): Promise<void> {
    const rowsPerFrame = Math.max(1, Math.floor(KV_FRAME_BYTES / rows.rowBytes));
    for (let row = from - start; row < rows.count; row += rowsPerFrame) {
      const end = Math.min(rows.count, row + rowsPerFrame);
      const payload = await rows.pack(row, end);
      this.#publish({ request, layer, start: start + row, rows: end - row, payload });
    }
  }

  get hasRoomToStore(): boolean {
    return Atomics.load(this.#counters, COUNTERS.unwrittenKib) <= MAX_UNWRITTEN_KIB;
  }

  /** Rows of a block move. */
  store(order: ToStore): void {
    if (order.type !== 'write') return this.send({ type: 'store', order });
    const { rows } = order.block;
    Atomics.add(this.#counters, COUNTERS.unwrittenKib, kib(rows.byteLength));
    this.send({ type: 'store', order }, [rows.buffer as ArrayBuffer]);
  }

  /** The payload moves. */
  #publish(rows: KvRows): void {
    Atomics.add(this.#counters, COUNTERS.unsentKib, kib(rows.payload.byteLength));
    this.send({ type: 'publish', ...rows }, [rows.payload.buffer]);
  }
}
