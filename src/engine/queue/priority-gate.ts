/**
 * Lets one request through at a time: the lowest priority number first, in order of arrival among equals. No more than a
 * bounded number wait.
 */
import { KvrError } from '../../core/errors.js';

type Waiter = { readonly priority: number; readonly enter: () => void };

export class PriorityGate {
  readonly #maxWaiting: number;
  /** In the order in which they are let in. */
  readonly #waiters: Waiter[] = [];
  #isTaken = false;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** Those who wait, and the one whose turn it is. */
  get inside(): number {
    return this.#waiters.length + (this.#isTaken ? 1 : 0);
  }

  /** Waits for its turn; of priority -Infinity before all others, and however many wait. @returns a function that lets the next one in. @throws BUSY, CANCELLED */
  async enter(signal: AbortSignal, priority = 0): Promise<() => void> {
    if (this.#waiters.length >= this.#maxWaiting && priority !== -Infinity)
      throw new KvrError('BUSY', `${this.#maxWaiting} requests are waiting, the limit; try again later`);
    if (signal.aborted) throw cancelled();
    if (this.#isTaken) await this.#turn(signal, priority);
    this.#isTaken = true;
    return () => this.#leave();
  }

  /** Settles when the one before has left and nobody goes first. The gate stays taken in between. */
  #turn(signal: AbortSignal, priority: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(cancelled());
      };
      const waiter: Waiter = {
        priority,
        enter: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const behind = this.#waiters.findIndex((other) => other.priority > priority);
      this.#waiters.splice(behind < 0 ? this.#waiters.length : behind, 0, waiter);
    });
  }

  #leave(): void {
    const next = this.#waiters.shift();
    if (next) next.enter();
    else this.#isTaken = false;
  }
}

function cancelled(): KvrError {
  return new KvrError('CANCELLED', 'request was cancelled while it waited');
}
