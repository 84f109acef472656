/**
 * The parts of @huggingface/tokenizers that are used here, with types. The package's declarations import without file
 * endings, which nodenext resolves to nothing; this is the one place that says what they are. Errors are the library's
 * own: callers turn them into ours.
 */
import * as tokenizers from '@huggingface/tokenizers';
import type { ModelJson } from './tokenizer-json.js';

/** Turns words into tokens, as texts. */
export interface LibraryModel {
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  /** Tokens by id, with holes. */
  readonly vocab: readonly (string | undefined)[];
  /** What BPE puts where a character has no token. */
  readonly unk_token?: string | null;
  encode(words: string[]): string[];
}

const { BPE, Unigram, ByteLevelDecoder, SplitPreTokenizer, ...normalizers } = tokenizers as unknown as {
  BPE: new (json: object) => LibraryModel;
  Unigram: new (json: object, eosToken: string | undefined) => LibraryModel & { scores: number[] };
  ByteLevelDecoder: new (step: object) => { byte_decoder: Record<string, string> };
  SplitPreTokenizer: new (step: object) => { pattern: RegExp };
  BertNormalizer: new (step: object) => { normalize(text: string): string };
  PrecompiledNormalizer: new (step: object) => { normalize(text: string): string };
};

/** @param json the "model" of tokenizer.json */
export function openLibraryModel(json: ModelJson): LibraryModel {
  if (json.type !== 'Unigram') return new BPE(json);
  const model = new Unigram(json, undefined);
  // The library gives the unknown token, where a text has it as such, the score of an unknown character.
  json.vocab.forEach(([, score], id) => (model.scores[id] = score));
  return model;
}

/** A pattern of tokenizer.json, written for Oniguruma, as one of JavaScript's. @throws SyntaxError */
export function regexOf(source: string): RegExp {
  return new SplitPreTokenizer({ pattern: { Regex: source } }).pattern;
}

/** The two normalizers that are large. */
export function libraryNormalizer(step: { readonly type: string }): (text: string) => string {
  const { BertNormalizer, PrecompiledNormalizer } = normalizers;
  const kind = step.type === 'BertNormalizer' ? BertNormalizer : PrecompiledNormalizer;
  const normalizer = new kind(step);
  return (text) => normalizer.normalize(text);
}

/** The byte that each visible character of a byte-level token stands for. */
export function byteOfCharacter(): Map<string, number> {
  const table = new ByteLevelDecoder({ type: 'ByteLevel' }).byte_decoder;
  return new Map(Object.entries(table).map(([char, byte]) => [char, Number(byte)]));
}
