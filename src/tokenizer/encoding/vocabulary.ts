/**
 * Tokens ⇄ ids of a tokenizer.json: the model's and the added ones. Called by tokenizer.ts.
 */
import type { AddedTokenJson, ModelJson, TokenizerJson } from '../files/tokenizer-json.js';

export class Vocabulary {
  /** One more than the largest id that has a token. */
  readonly size: number;
  /** As in the file, but with the model's id where the model has the token too, as the reference reads it. */
  readonly added: readonly AddedTokenJson[];
  /** Tokens by id; ids without one are holes. */
  readonly #tokens: (string | undefined)[] = [];
  readonly #ids = new Map<string, number>();

  constructor({ model, added_tokens }: Pick<TokenizerJson, 'model' | 'added_tokens'>) {
    for (const [token, id] of entriesOf(model)) this.#set(token, id);
    this.added = added_tokens.map((token) => ({ ...token, id: this.#ids.get(token.content) ?? token.id }));
    for (const { content, id } of this.added) this.#set(content, id);
    this.size = this.#tokens.length;
  }

  idOf(token: string): number | undefined {
    return this.#ids.get(token);
  }

  tokenOf(id: number): string | undefined {
    return this.#tokens[id];
  }

  #set(token: string, id: number): void {
    this.#tokens[id] = token;
    this.#ids.set(token, id);
  }
}

function entriesOf(model: ModelJson): Iterable<[string, number]> {
  if (model.type === 'BPE') return Object.entries(model.vocab);
  return model.vocab.map(([token], id): [string, number] => [token, id]);
}
