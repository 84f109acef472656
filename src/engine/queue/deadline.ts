/**
 * The time a request may take, from its arrival to its last token; waiting for its turn counts.
 */
import { KvrError } from '../../core/errors.js';

export class Deadline {
  readonly #limitMs: number | undefined;
  readonly #clock: () => number;
  readonly #startMs: number;

  /** @param limitMs undefined for a request that may take any time */
  constructor(limitMs: number | undefined, clock: () => number = () => performance.now()) {
    this.#limitMs = limitMs;
    this.#clock = clock;
    this.#startMs = clock();
  }

  get isSet(): boolean {
    return this.#limitMs !== undefined;
  }

  /** The time that is left, as a field of a ChainRequest. */
  get left(): { readonly deadline?: { readonly limitMs: number; readonly leftMs: number } } {
    if (this.#limitMs === undefined) return {};
    return { deadline: { limitMs: this.#limitMs, leftMs: this.#leftMs(this.#limitMs) } };
  }

  /** Runs something that obeys a signal, within the time that is left. @throws DEADLINE, and what it throws */
  async bound<T>(signal: AbortSignal, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limitMs = this.#limitMs;
    if (limitMs === undefined) return act(signal);
    const overdue = AbortSignal.timeout(Math.ceil(this.#leftMs(limitMs)));
    try {
      return await act(AbortSignal.any([signal, overdue]));
    } catch (error) {
      if (signal.aborted || !overdue.aborted) throw error;
      const message = `request waited longer than its deadline of ${limitMs} ms for its turn; ask for less at once`;
      throw new KvrError('DEADLINE', message, { deadlineMs: limitMs }, error);
    }
  }

  #leftMs(limitMs: number): number {
    return Math.max(0, this.#startMs + limitMs - this.#clock());
  }
}
