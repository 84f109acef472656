/**
 * What one run of a template may cost. Templates come with a checkpoint, what they go over with a request: nested loops,
 * texts that double and macros that call each other are stopped by a count, before anything large is made.
 */
import { templateTooCostly, type TemplateLimits } from '../../bounds/prompt-limits.js';

/** Characters that are gone over in about the time of one step. */
const CHARS_PER_STEP = 1024;

export class Budget {
  readonly #limits: TemplateLimits;
  #steps = 0;
  #chars = 0;

  constructor(limits: TemplateLimits) {
    this.#limits = limits;
  }

  /** An expression is evaluated, or so many items are gone over. @throws BAD_INPUT with the field `budget` */
  step(count = 1): void {
    this.#steps += count;
    if (!(this.#steps <= this.#limits.steps)) throw templateTooCostly(this.#limits.steps, 'steps');
  }

  /** A text of so many characters is to be made. @throws BAD_INPUT with the field `budget` */
  make(chars: number): void {
    this.#chars += chars;
    if (!(this.#chars <= this.#limits.chars)) throw templateTooCostly(this.#limits.chars, 'characters');
  }

  /** A text is gone over. */
  read(text: string): void {
    this.step(Math.floor(text.length / CHARS_PER_STEP));
  }
}
