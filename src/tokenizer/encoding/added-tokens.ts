/**
 * Takes the added tokens out of a text: first those that are looked for in the text as it is, then, in what is left and
 * normalized, the others. Knows single_word, lstrip and rstrip. Called by encoder.
 */
import type { AddedTokenJson } from '../files/tokenizer-json.js';
import type { Normalizer } from './normalizer.js';
import { WHITE_SPACE, WORD_CHARACTER } from './patterns.js';
import type { Piece } from './split.js';
import { TokenTree } from './token-tree.js';

/** A part of a text that is a token, or text still to be cut. */
export type Part = { readonly kind: 'token'; readonly id: number } | ({ readonly kind: 'text' } & Piece);

const IS_SPACE = new RegExp(WHITE_SPACE, 'u');
const ENDS_IN_WORD = new RegExp(`${WORD_CHARACTER}$`, 'u');
const BEGINS_WITH_WORD = new RegExp(`^${WORD_CHARACTER}`, 'u');

export class AddedTokens {
  readonly #asWritten = new TokenTree<AddedTokenJson>();
  readonly #normalized = new TokenTree<AddedTokenJson>();
  readonly #normalizer: Normalizer | undefined;
  /** What tokens are in a normalized text, by id, where that is not their content. */
  readonly normalForms: ReadonlyMap<number, string>;

  constructor(tokens: readonly AddedTokenJson[], normalizer: Normalizer | undefined) {
    this.#normalizer = normalizer;
    const forms = new Map<number, string>();
    for (const token of tokens) {
      const form = token.normalized && normalizer ? normalizer(token.content) : token.content;
      if (form !== token.content) forms.set(token.id, form);
      (token.normalized ? this.#normalized : this.#asWritten).add(form, token);
    }
    this.normalForms = forms;
  }

  /** A text's tokens and, normalized, what lies between them. */
  partsOf(text: string): Part[] {
    const parts = cutOut({ text, atStart: true }, this.#asWritten);
    return parts.flatMap((part) => {
      if (part.kind === 'token') return [part];
      const normal = this.#normalizer?.(part.text) ?? part.text;
      return cutOut({ text: normal, atStart: part.atStart }, this.#normalized);
    });
  }
}

function cutOut({ text, atStart }: Piece, tokens: TokenTree<AddedTokenJson>): Part[] {
  const parts: Part[] = [];
  let done = 0;
  const textUpTo = (end: number): void => {
    if (done < end) parts.push({ kind: 'text', text: text.slice(done, end), atStart: atStart && done === 0 });
  };
  for (let found = tokens.find(text, 0); found !== undefined; found = tokens.find(text, found.end)) {
    const { value: token } = found;
    if (token.single_word && touchesWord(text, found.start, found.end)) continue;
    const start = token.lstrip ? Math.max(done, spacesBefore(text, found.start)) : found.start;
    const end = token.rstrip ? spacesAfter(text, found.end) : found.end;
    textUpTo(start);
    // A token of white space may lie in what the one before it took along.
    if (start < end) parts.push({ kind: 'token', id: token.id });
    done = end;
  }
  textUpTo(text.length);
  return parts;
}

function touchesWord(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 2), start);
  return ENDS_IN_WORD.test(before) || BEGINS_WITH_WORD.test(text.slice(end, end + 2));
}

function spacesBefore(text: string, start: number): number {
  let at = start;
  while (at > 0 && IS_SPACE.test(text.charAt(at - 1))) at -= 1;
  return at;
}

function spacesAfter(text: string, end: number): number {
  let at = end;
  while (at < text.length && IS_SPACE.test(text.charAt(at))) at += 1;
  return at;
}
