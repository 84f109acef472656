/**
 * Where a model's tokenizer comes from, as plain data, so that other threads can read it too.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KvrError } from '../core/errors.js';
import { byteTokenizer } from './byte-tokenizer.js';
import { TOKENIZER_FILES } from './files/tokenizer-files.js';
import { loadTokenizer, type Tokenizer } from './tokenizer.js';

export type TokenizerSource =
  | { readonly kind: 'bytes'; readonly vocabulary: number; readonly bytes: 0 }
  /** `stamp` tells whether the files were changed meanwhile; `bytes` is the size of all of them. */
  | { readonly kind: 'folder'; readonly folder: string; readonly stamp: string; readonly bytes: number };

/** @param folder with a tokenizer's files; undefined for a model that brings none */
export async function tokenizerSource(
  folder: string | undefined,
  vocabulary: number,
): Promise<TokenizerSource> {
  if (folder === undefined) return { kind: 'bytes', vocabulary, bytes: 0 };
  return { kind: 'folder', folder, ...(await stampOf(folder)) };
}

/** @throws MODEL_NOT_FOUND, BAD_CHECKPOINT, also where the files are no longer those of the stamp; UNSUPPORTED_MODEL */
export async function openTokenizer(source: TokenizerSource): Promise<Tokenizer> {
  if (source.kind === 'bytes') return byteTokenizer(source.vocabulary);
  const tokenizer = await loadTokenizer(source.folder);
  if ((await stampOf(source.folder)).stamp === source.stamp) return tokenizer;
  const message = `the tokenizer files in ${source.folder} were changed since the model was loaded; load it again`;
  throw new KvrError('BAD_CHECKPOINT', message);
}

async function stampOf(folder: string): Promise<{ readonly stamp: string; readonly bytes: number }> {
  const files = await Promise.all(
    TOKENIZER_FILES.map((name) => stat(join(folder, name)).catch(() => undefined)),
  );
  return {
    stamp: files.map((file) => (file ? `${file.size}:${file.mtimeMs}` : '')).join(),
    bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
  };
}
