/**
 * Counts what reading a grammar costs while it is read, so that a hostile one is refused early, after the same work on
 * every machine: whatever an engine accepts, its workers can compile too.
 */
import { KvrError } from '../../core/errors.js';

/** Terms, keys, bytes of texts and comparisons. A schema of 100,000 characters, the longest, comes to about 150,000. */
export const MAX_GRAMMAR_WORK = 400_000;

export class Meter {
  readonly #limit: number;
  #spent = 0;

  constructor(limit = MAX_GRAMMAR_WORK) {
    this.#limit = limit;
  }

  get spent(): number {
    return this.#spent;
  }

  get left(): number {
    return this.#limit - this.#spent;
  }

  /** Before the work is done. @throws BAD_INPUT with the field `budget` */
  spend(work: number): void {
    this.#spent += work;
    if (this.#spent <= this.#limit) return;
    const message = `the schema comes to more than ${this.#limit} parts once its references are followed, the limit; give a smaller or simpler one`;
    throw new KvrError('BAD_INPUT', message, { budget: 'grammar' });
  }
}
