/**
 * Stops tokenizing early: a text that certainly has more tokens than a prompt may have is refused before, and one that
 * turns out to have as soon as that shows. Called by tokenizer.ts.
 */
import type { LibraryTokenizer } from '../files/hugging-face.js';
import { promptTooLong } from './prompt-limits.js';

/** Words that are made tokens of between two looks at their number. */
const WORDS_AT_ONCE = 4096;

/** Before any work. @param tokenChars most characters that one token stands for. @throws PROMPT_TOO_LONG */
export function requireRoom(text: string, tokenChars: number | undefined, maxTokens: number): void {
  if (tokenChars === undefined) return;
  const least = Math.ceil(text.length / tokenChars);
  if (least > maxTokens) throw promptTooLong(least, maxTokens);
}

/** Counts the tokens of one tokenizer of the library as they are made. */
export class TokenCap {
  #maxTokens = Infinity;
  #tokens = 0;

  constructor({ model }: LibraryTokenizer) {
    const whole = model._call.bind(model);
    // Unknown tokens that become one do so across words, which must then stay together.
    model._call = (words) => (model.fuse_unk ? this.#count(whole(words)) : this.#piecewise(words, whole));
  }

  /** @throws PROMPT_TOO_LONG where `encode` makes more */
  within<T>(maxTokens: number, encode: () => T): T {
    this.#maxTokens = maxTokens;
    this.#tokens = 0;
    return encode();
  }

  #piecewise(words: string[], whole: (words: string[]) => string[]): string[] {
    if (words.length <= WORDS_AT_ONCE) return this.#count(whole(words));
    const tokens: string[] = [];
    for (let start = 0; start < words.length; start += WORDS_AT_ONCE)
      for (const token of this.#count(whole(words.slice(start, start + WORDS_AT_ONCE)))) tokens.push(token);
    return tokens;
  }

  #count(tokens: string[]): string[] {
    this.#tokens += tokens.length;
    if (this.#tokens > this.#maxTokens) throw promptTooLong(this.#tokens, this.#maxTokens);
    return tokens;
  }
}
