/**
 * From token ids to visible text: whole characters only, nothing from a stop string on, no end token.
 */
import type { Tokenizer } from '../../tokenizer/index.js';
import type { ShownTokens } from '../options/request.js';
import { StopMatcher } from '../../tokenizer/index.js';

export type TextOutputOptions = {
  readonly tokenizer: Tokenizer;
  readonly promptIds: Iterable<number>;
  readonly stops: readonly string[];
  readonly shownTokens?: ShownTokens | undefined;
};

export class TextOutput {
  readonly #stream: ReturnType<Tokenizer['stream']>;
  readonly #stops: StopMatcher;
  readonly #shown: ShownTokens;
  text = '';
  /** The stop string that ended the answer. */
  stopped: string | undefined;

  constructor({ tokenizer, promptIds, stops, shownTokens = new Map() }: TextOutputOptions) {
    this.#stream = tokenizer.stream(promptIds);
    this.#stops = new StopMatcher(stops);
    this.#shown = shownTokens;
  }

  /** @returns the text that can no longer change, and whether a stop string has ended the answer. */
  push(id: number): { text: string; isStopped: boolean } {
    const { text, stopped } = this.#stops.push(this.#textOf(id));
    this.text += text;
    this.stopped = stopped;
    return { text, isStopped: stopped !== undefined };
  }

  /** @returns what was held back, once no more tokens come. */
  end(): string {
    const { text, stopped } = this.#stops.push(this.#stream.end());
    const rest = stopped === undefined ? text + this.#stops.end() : text;
    this.stopped = stopped;
    this.text += rest;
    return rest;
  }

  /** The text of a special token that is shown comes after a character that it leaves unfinished. */
  #textOf(id: number): string {
    const shown = this.#shown.get(id);
    return shown === undefined ? this.#stream.push(id) : this.#stream.end() + shown;
  }
}
