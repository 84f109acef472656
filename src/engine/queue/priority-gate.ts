/**
 * Lets as many requests in as it has places, one unless more are given: the lowest priority number first; among equals
 * those whose client has the fewest under way, then in order of arrival. No more than a bounded number wait.
 */
import { KvrError } from '../../core/errors.js';

/** How a request stands among those that wait. */
export type Standing = {
  readonly priority?: number;
  readonly client?: string | undefined;
  /** What it is called in a list of those who wait. */
  readonly id?: string | undefined;
};
type Waiter = {
  readonly priority: number;
  readonly client: string | undefined;
  readonly id: string | undefined;
  readonly enter: () => void;
};
export type Waiting = Pick<Waiter, 'id' | 'priority'>;

export class PriorityGate {
  readonly #maxWaiting: number;
  readonly #places: number;
  readonly #underWay: (client: string | undefined) => number;
  /** In order of arrival. */
  readonly #waiters: Waiter[] = [];
  #taken = 0;

  /** @param underWay requests of a client that are under way already */
  constructor(maxWaiting: number, places = 1, underWay: (client: string | undefined) => number = () => 0) {
    this.#maxWaiting = maxWaiting;
    this.#places = places;
    this.#underWay = underWay;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Those who wait, in the order in which they would go if nobody else came or left. */
  get inOrder(): readonly Waiting[] {
    const compare = (one: Waiter, other: Waiter): number =>
      this.#goesBefore(one, other) ? -1 : this.#goesBefore(other, one) ? 1 : 0;
    return [...this.#waiters].sort(compare);
  }

  /** Those who wait, and those whose turn it is. */
  get inside(): number {
    return this.#waiters.length + this.#taken;
  }

  /** Waits for its turn; of priority -Infinity before all others, and however many wait. @returns a function that lets the next one in. @throws BUSY, CANCELLED */
  async enter(signal: AbortSignal, standing: Standing = {}): Promise<() => void> {
    if (this.#waiters.length >= this.#maxWaiting && standing.priority !== -Infinity)
      throw new KvrError('BUSY', `${this.#maxWaiting} requests are waiting, the limit; try again later`);
    if (signal.aborted) throw cancelled();
    // Who is let in by one who leaves takes that one's place.
    if (this.#taken < this.#places) this.#taken++;
    else await this.#turn(signal, standing);
    return () => this.#leave();
  }

  /** Settles when the one before has left and nobody goes first. The gate stays taken in between. */
  #turn(signal: AbortSignal, { priority = 0, client, id }: Standing): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(cancelled());
      };
      const waiter: Waiter = {
        priority,
        client,
        id,
        enter: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  #leave(): void {
    const next = this.#first();
    if (!next) return void this.#taken--;
    this.#waiters.splice(this.#waiters.indexOf(next), 1);
    next.enter();
  }

  #first(): Waiter | undefined {
    return this.#waiters.reduce<Waiter | undefined>(
      (first, other) => (first && !this.#goesBefore(other, first) ? first : other),
      undefined,
    );
  }

  #goesBefore(one: Waiter, other: Waiter): boolean {
    if (one.priority !== other.priority) return one.priority < other.priority;
    return this.#underWay(one.client) < this.#underWay(other.client);
  }
}

function cancelled(): KvrError {
  return new KvrError('CANCELLED', 'request was cancelled while it waited');
}
