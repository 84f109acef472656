/**
 * Lets one request through at a time, in order of arrival, and no more than a bounded number wait.
 */
import { KvrError } from '../core/errors.js';

/** Requests that may wait; each holds only its ids. */
export const MAX_WAITING = 256;

export class Turnstile {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Waits for its turn. @returns a function that lets the next one in. @throws BUSY, CANCELLED */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (this.#waiting >= MAX_WAITING)
      throw new KvrError('BUSY', `${MAX_WAITING} requests are waiting, the limit; try again later`);
    this.#waiting++;
    const before = this.#last;
    let leave: () => void = () => undefined;
    this.#last = new Promise((resolve) => (leave = resolve));
    const abort = abortOf(signal);
    await Promise.race([before, abort.happened]);
    abort.stopListening();
    this.#waiting--;
    if (!signal.aborted) return leave;
    // Whoever waits behind a request that gave up still waits for the one before it.
    void before.then(leave);
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
