/**
 * Which files of a repository a model needs: what describes it, its tokenizer, and its weights once, in the one format that is
 * read. Pure.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { checkJson } from '../checkpoint/json-file.js';
import { printable } from '../checkpoint/printable.js';
import { isGguf, isSafePath } from './names/names.js';

/** The largest known checkpoints have about 200. */
const MAX_PARTS = 512;

export const WEIGHTS = 'model.safetensors';
export const WEIGHTS_INDEX = 'model.safetensors.index.json';
/** Above these sizes a file of text is none. */
const MAX_TEXT_BYTES = 256_000_000;
export const MAX_INDEX_BYTES = 16_000_000;

/** Of a repository's own folder: the model's description and its tokenizer, as texts. */
const TEXTS = [
  /^config\.json$/,
  /^generation_config\.json$/,
  /^tokenizer[^/]*$/,
  /^special_tokens_map\.json$/,
  /^chat_template[^/]*$/,
  /^modules\.json$/,
  /^\d+_Pooling\/config\.json$/,
  /^additional_chat_templates\/[^/]+\.jinja$/,
];
const GGUF_PART = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

type Listed = { readonly path: string; readonly bytes: number };

export function textFiles<T extends Listed>(files: readonly T[]): T[] {
  return files.filter(({ path, bytes }) => bytes <= MAX_TEXT_BYTES && TEXTS.some((text) => text.test(path)));
}

/** @returns names of the weight files that an index lists, each once. @throws BAD_CHECKPOINT */
export function shardNames(index: unknown, path: string): string[] {
  const names = [...new Set(Object.values(checkJson(indexSchema, index, path).weight_map))].sort();
  if (names.length >= 1 && names.length <= MAX_PARTS) return names;
  throw new KvrError('BAD_CHECKPOINT', `${path} names ${names.length} files, it must name 1 to ${MAX_PARTS}`);
}

const shardName = z
  .string()
  .regex(/^[^/\\]+\.safetensors$/, 'not the name of a .safetensors file in the same folder')
  .refine(isSafePath, 'not a safe name');
const indexSchema = z.object({ weight_map: z.record(z.string(), shardName) });

/** Files of GGUF that make up one model together, in order. */
export type GgufModel = { readonly path: string; readonly bytes: number; readonly parts: readonly string[] };

/** Each GGUF model once, whole or in parts, by the path of its first file. */
export function ggufModels(files: readonly Listed[]): GgufModel[] {
  const first = files.filter(({ path }) => isGguf(path) && !isLaterPart(path));
  return first.flatMap(({ path }) => {
    const parts = partsOf(path);
    const found = files.filter((file) => parts.includes(file.path));
    const bytes = found.reduce((sum, file) => sum + file.bytes, 0);
    return found.length === parts.length ? [{ path, bytes, parts }] : [];
  });
}

function isLaterPart(path: string): boolean {
  const part = GGUF_PART.exec(path)?.[2];
  return part !== undefined && Number(part) !== 1;
}

/** The paths of all parts of the model that a path is a part of. */
function partsOf(path: string): string[] {
  const [, stem, , count] = GGUF_PART.exec(path) ?? [];
  if (stem === undefined || count === undefined || Number(count) > MAX_PARTS) return [path];
  return Array.from(
    { length: Number(count) },
    (_, part) => `${stem}-${String(part + 1).padStart(5, '0')}-of-${count}${path.slice(-'.gguf'.length)}`,
  );
}

/**
 * @param path of the file, or of any of its parts
 * @throws MODEL_NOT_FOUND where it is not listed, or not all of its parts are
 */
export function ggufFiles<T extends Listed>(files: readonly T[], path: string, repo: string): T[] {
  const parts = partsOf(path);
  const found = parts.map((part) => files.find((file) => file.path === part));
  const missing = found.indexOf(undefined);
  if (missing < 0) return found.filter((file) => file !== undefined);
  const known = ggufModels(files).map((model) => model.path);
  const remedy = known.length === 0 ? 'it has no GGUF files' : `it has ${shortList(known)}`;
  throw new KvrError(
    'MODEL_NOT_FOUND',
    `${repo} has no file ${printable(parts[missing] ?? path)}; ${remedy}`,
  );
}

/** As many as a line takes. */
const SHOWN_NAMES = 6;

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).join(', ');
  return names.length > SHOWN_NAMES ? `${shown} and ${names.length - SHOWN_NAMES} more` : shown;
}

/** @returns why there are no weights that are read here, with what there is instead */
export function noWeights(files: readonly Listed[], repo: string): KvrError {
  const other = files.find(({ path }) => /\.(bin|pth|pt|onnx|h5|msgpack|safetensors)$/.test(path))?.path;
  const found = other === undefined ? 'no weights at all' : `only others, such as ${printable(other)}`;
  return new KvrError(
    'UNSUPPORTED_MODEL',
    `${repo} has no ${WEIGHTS} and no ${WEIGHTS_INDEX}, and no GGUF files, but ${found}; choose a repository with safetensors or GGUF files`,
  );
}
