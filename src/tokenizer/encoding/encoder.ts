/**
 * Text → ids as tokenizer.json says: added tokens, normalizer, pre-tokenizer, model, in that order. Puts nothing around the
 * text (text-frame does). Called by tokenizer.ts.
 */
import { toUSVString } from 'node:util';
import { promptTooLong } from '../bounds/prompt-limits.js';
import type { AddedTokenJson, TokenizerJson } from '../files/tokenizer-json.js';
import { AddedTokens } from './added-tokens.js';
import { normalizerOf } from './normalizer.js';
import { preTokenizerOf } from './pre-tokenizer.js';
import type { Piece } from './split.js';
import { wordModelOf } from './word-model.js';
import type { WordModel } from './word-model.js';
import { wordSplitOf } from './word-split.js';

/** Ids may hold undefined, where the tokenizer has neither a token nor an unknown token for a character. */
export type Ids = (number | undefined)[];

export class Encoder {
  readonly #added: AddedTokens;
  readonly #cut: (piece: Piece) => Piece[];
  readonly #words: (text: string) => string[];
  readonly #model: WordModel;

  /** @param added the tokens with the ids they are to have. @throws Error for parts that nobody knows, and what the library throws at a broken model */
  constructor(
    json: TokenizerJson,
    added: readonly AddedTokenJson[],
    model: WordModel = wordModelOf(json.model),
  ) {
    this.#added = new AddedTokens(added, normalizerOf(json.normalizer));
    this.#cut = preTokenizerOf(json.pre_tokenizer);
    this.#words = wordSplitOf(json.model);
    this.#model = model;
  }

  /** Added tokens by id that texts have in another form than the file, which is also how they are decoded. */
  get normalForms(): ReadonlyMap<number, string> {
    return this.#added.normalForms;
  }

  /** @throws PROMPT_TOO_LONG as soon as there are more tokens */
  idsOf(text: string, maxTokens: number): Ids {
    const ids: Ids = [];
    // Half a surrogate pair is no character: all kinds of tokenizers see U+FFFD.
    for (const part of this.#added.partsOf(toUSVString(text))) {
      if (part.kind === 'token') ids.push(part.id);
      else this.#encode(part, ids, maxTokens);
      if (ids.length > maxTokens) throw promptTooLong(ids.length, maxTokens);
    }
    return ids;
  }

  #encode(part: Piece, ids: Ids, maxTokens: number): void {
    for (const piece of this.#cut(part)) {
      for (const word of this.#words(piece.text)) for (const id of this.#model(word)) ids.push(id);
      if (ids.length > maxTokens) throw promptTooLong(ids.length, maxTokens);
    }
  }
}
