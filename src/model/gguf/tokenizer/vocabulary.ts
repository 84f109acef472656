/**
 * The tokens of a GGUF file with their kinds, scores and merges, checked against each other. Pure.
 */
import { broken, notSupported, quoted } from '../header/broken.js';
import type { Metadata } from '../header/metadata.js';

/** tokenizer.ggml.token_type. */
export const TOKEN_KIND = { unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export type Vocabulary = {
  readonly path: string;
  readonly model: 'llama' | 'gpt2';
  /** tokenizer.ggml.pre: how text is cut into words; '' where the file does not say. */
  readonly pre: string;
  readonly tokens: readonly string[];
  /** One a token, 1 where the file has none. */
  readonly kinds: readonly number[];
  /** One a token; only of 'llama'. */
  readonly scores: readonly number[];
  /** Two tokens with a space between; only of 'gpt2'. */
  readonly merges: readonly string[];
};

/** @returns undefined where the file brings no tokenizer. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function readVocabulary(metadata: Metadata, rows: number): Vocabulary | undefined {
  const model = metadata.string('tokenizer.ggml.model');
  if (model === undefined || model === 'no_vocab') return undefined;
  if (model !== 'llama' && model !== 'gpt2')
    throw notSupported(metadata.path, `tokenizer.ggml.model ${quoted(model)}`, 'llama, gpt2');
  const tokens = metadata.strings('tokenizer.ggml.tokens') ?? [];
  checkLength(metadata.path, 'tokenizer.ggml.tokens', tokens.length, 1, rows);
  return {
    path: metadata.path,
    model,
    pre: metadata.string('tokenizer.ggml.pre') ?? '',
    tokens,
    kinds: listOf(metadata, 'tokenizer.ggml.token_type', tokens.length) ?? tokens.map(() => 1),
    scores: listOf(metadata, 'tokenizer.ggml.scores', tokens.length) ?? tokens.map(() => 0),
    merges: metadata.strings('tokenizer.ggml.merges') ?? [],
  };
}

function listOf(metadata: Metadata, key: string, length: number): readonly number[] | undefined {
  const list = metadata.numbers(key);
  if (list !== undefined) checkLength(metadata.path, key, list.length, length, length);
  return list;
}

function checkLength(path: string, key: string, length: number, least: number, most: number): void {
  if (length >= least && length <= most) return;
  const range =
    least === most ? `the ${most} tokens that there are` : `${least} to ${most}, the rows of token_embd`;
  throw broken(path, `${key} has ${length} entries, it must have ${range}`);
}

/** A token id that the metadata name. @throws BAD_CHECKPOINT where there is no such token */
export function namedId(metadata: Metadata, name: string, tokens: number): number | undefined {
  const key = `tokenizer.ggml.${name}_token_id`;
  const id = metadata.number(key);
  // Files write 2^32 - 1 for "none".
  if (id === undefined || id === 0xffffffff || id === -1) return undefined;
  if (Number.isInteger(id) && id >= 0 && id < tokens) return id;
  throw broken(metadata.path, `${key} is ${id}, it must be a whole number from 0 to ${tokens - 1}`);
}
