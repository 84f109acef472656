/**
 * Lets one request through at a time, in order of arrival, and no more than a bounded number wait.
 */
import { KvrError } from '../../core/errors.js';

export class FifoGate {
  readonly #maxWaiting: number;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isTaken = false;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** Those who wait, and the one whose turn it is. */
  get inside(): number {
    return this.#waiting + (this.#isTaken ? 1 : 0);
  }

  /** Waits for its turn. @returns a function that lets the next one in. @throws BUSY, CANCELLED */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (this.#waiting >= this.#maxWaiting)
      throw new KvrError('BUSY', `${this.#maxWaiting} requests are waiting, the limit; try again later`);
    this.#waiting++;
    const before = this.#last;
    let passOn: () => void = () => undefined;
    this.#last = new Promise((resolve) => (passOn = resolve));
    const abort = abortOf(signal);
    await Promise.race([before, abort.happened]);
    abort.stopListening();
    this.#waiting--;
    if (!signal.aborted) {
      this.#isTaken = true;
      return () => {
        this.#isTaken = false;
        passOn();
      };
    }
    // Whoever waits behind a request that gave up still waits for the one before it.
    void before.then(passOn);
    throw new KvrError('CANCELLED', 'request was cancelled while it waited');
  }
}

/** Listens only as long as somebody waits: an engine's own signal outlives all its requests. */
function abortOf(signal: AbortSignal): { happened: Promise<void>; stopListening: () => void } {
  let onAbort: () => void = () => undefined;
  const happened = new Promise<void>((resolve) => (onAbort = resolve));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return { happened, stopListening: () => signal.removeEventListener('abort', onAbort) };
}
