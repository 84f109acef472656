/**
 * How the compute thread receives messages without an event loop: it polls between kernel calls, and sleeps on a shared word
 * (Atomics.wait) while it has nothing to do. Both ends of that word are here.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { COUNTERS, kib, MAX_UNREAD_KIB, type ToCompute } from './thread-messages.js';

export class Mailbox {
  readonly #port: MessagePort;
  readonly #counters: Int32Array;
  #seen = 0;

  constructor(port: MessagePort, counters: Int32Array) {
    this.#port = port;
    this.#counters = counters;
  }

  /** @returns the next message that is already there. */
  poll(): ToCompute | undefined {
    // Read before looking: what is posted after the look then differs from what sleep() compares with.
    this.#seen = Atomics.load(this.#counters, COUNTERS.posted);
    const received = receiveMessageOnPort(this.#port) as { message: ToCompute } | undefined;
    return received?.message;
  }

  /**
   * Sleeps until something was posted since the last poll, or the time is over. Call it after poll() gave nothing.
   * @returns false where nothing came in all that time
   */
  sleep(timeoutMs: number): boolean {
    return Atomics.wait(this.#counters, COUNTERS.posted, this.#seen, timeoutMs) !== 'timed-out';
  }

  /** Notes that rows of other ranks were read. @returns true where links that were paused may go on */
  countRead(bytes: number): boolean {
    const before = Atomics.sub(this.#counters, COUNTERS.unreadKib, kib(bytes));
    // Links are paused at the limit and go on at half of it, so that they do not stop and start at every frame.
    const half = MAX_UNREAD_KIB / 2;
    return before >= half && before - kib(bytes) < half;
  }
}

/** Posts to the compute thread and wakes it. Listed buffers move; others are copied. */
export function postToCompute(
  post: (message: ToCompute, transfer: ArrayBuffer[]) => void,
  counters: Int32Array,
  message: ToCompute,
  transfer: ArrayBuffer[] = [],
): void {
  post(message, transfer);
  wakeCompute(counters);
}

export function wakeCompute(counters: Int32Array): void {
  Atomics.add(counters, COUNTERS.posted, 1);
  Atomics.notify(counters, COUNTERS.posted);
}
