/**
 * Where a model's tokenizer comes from, as plain data, so that other threads can read it too.
 */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KvrError } from '../core/errors.js';
import { byteTokenizer } from './byte-tokenizer.js';
import { idsTokenizer } from './ids-tokenizer.js';
import { TOKENIZER_FILES } from './files/tokenizer-files.js';
import { loadTokenizer, type Tokenizer } from './tokenizer.js';

export type TokenizerSource =
  | { readonly kind: 'bytes'; readonly vocabulary: number; readonly bytes: 0 }
  /** A checkpoint without tokenizer.json: only ids, and text is refused in these words. */
  | { readonly kind: 'ids'; readonly vocabulary: number; readonly refusal: string; readonly bytes: 0 }
  /** `stamp` tells whether the files were changed meanwhile; `bytes` is the size of all of them. */
  | { readonly kind: 'folder'; readonly folder: string; readonly stamp: string; readonly bytes: number };

/** What older programs save, and we do not read. */
const OLD_FILES = ['tokenizer.model', 'vocab.json', 'tekken.json', 'vocab.txt'];

/**
 * @param folder the checkpoint's; undefined for a model that has no text of its own (synthetic)
 * @param byteTokens text is bytes where the folder brings no tokenizer
 */
export async function tokenizerSource(
  folder: string | undefined,
  vocabulary: number,
  byteTokens = false,
): Promise<TokenizerSource> {
  if (folder === undefined) return { kind: 'bytes', vocabulary, bytes: 0 };
  const found = await stampOf(folder);
  if (found.hasTokenizer) return { kind: 'folder', folder, stamp: found.stamp, bytes: found.bytes };
  if (byteTokens) return { kind: 'bytes', vocabulary, bytes: 0 };
  return { kind: 'ids', vocabulary, refusal: await refusalFor(folder), bytes: 0 };
}

/** SentencePiece's own file holds neither normalizers nor added tokens as they are used, so it is not read. */
async function refusalFor(folder: string): Promise<string> {
  const old = OLD_FILES.map(async (name) => ((await fileAt(join(folder, name))) ? name : undefined));
  const [name] = (await Promise.all(old)).filter((found) => found !== undefined);
  const what = name === undefined ? 'has no tokenizer.json' : `has ${name} but no tokenizer.json`;
  const remedy =
    name === undefined
      ? 'put the one of the model there'
      : 'make one with transformers (AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER))';
  return `${folder} ${what}, so text can not be made tokens; ${remedy}, give the prompt as token ids, or have text read as bytes (--byte-tokens)`;
}

/** @throws MODEL_NOT_FOUND, BAD_CHECKPOINT, also where the files are no longer those of the stamp; UNSUPPORTED_MODEL */
export async function openTokenizer(source: TokenizerSource): Promise<Tokenizer> {
  if (source.kind === 'bytes') return byteTokenizer(source.vocabulary);
  if (source.kind === 'ids') return idsTokenizer(source.vocabulary, source.refusal);
  const tokenizer = await loadTokenizer(source.folder);
  if ((await stampOf(source.folder)).stamp === source.stamp) return tokenizer;
  const message = `the tokenizer files in ${source.folder} were changed since the model was loaded; load it again`;
  throw new KvrError('BAD_CHECKPOINT', message);
}

type Found = { readonly stamp: string; readonly bytes: number; readonly hasTokenizer: boolean };

async function stampOf(folder: string): Promise<Found> {
  const files = await Promise.all(TOKENIZER_FILES.map((name) => fileAt(join(folder, name))));
  return {
    stamp: files.map((file) => (file ? `${file.size}:${file.mtimeMs}` : '')).join(),
    bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
    hasTokenizer: files[0] !== undefined,
  };
}

function fileAt(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}
