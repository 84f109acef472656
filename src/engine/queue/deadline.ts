/**
 * The time a request may take, from being asked to its last token: what it spends waiting for its turn counts too.
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

  /** What is left for the chain, as a part of its specification. */
  get left(): { readonly deadline?: { readonly limitMs: number; readonly leftMs: number } } {
    if (this.#limitMs === undefined) return {};
    return { deadline: { limitMs: this.#limitMs, leftMs: this.#leftMs(this.#limitMs) } };
  }

  /** Does something that heeds a signal, within the time that is left. @throws DEADLINE, and what it throws */
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
