/**
 * From token ids to the text a reader sees: whole characters only, nothing from a stop string on, no end token.
 */
import type { Tokenizer } from '../tokenizer/index.js';
import { StopMatcher } from '../tokenizer/index.js';

export class TextOutput {
  readonly #stream: ReturnType<Tokenizer['stream']>;
  readonly #stops: StopMatcher;
  text = '';

  constructor(tokenizer: Tokenizer, promptIds: Iterable<number>, stops: readonly string[]) {
    this.#stream = tokenizer.stream(promptIds);
    this.#stops = new StopMatcher(stops);
  }

  /** @returns the text that has become certain, and whether a stop string has ended the answer. */
  push(id: number): { text: string; isStopped: boolean } {
    const { text, stopped } = this.#stops.push(this.#stream.push(id));
    this.text += text;
    return { text, isStopped: stopped !== undefined };
  }

  /** @returns what was held back, once no more tokens come. */
  end(): string {
    const { text, stopped } = this.#stops.push(this.#stream.end());
    const rest = stopped === undefined ? text + this.#stops.end() : text;
    this.text += rest;
    return rest;
  }
}
