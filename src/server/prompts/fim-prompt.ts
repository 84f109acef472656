/**
 * The prompt of a text that is to be filled in: what stands before, what stands behind, and other files, in the model's marks.
 */
import type { ServedEngine } from '../requests/settings.js';
import { unsupported } from '../requests/refusal.js';
import { type FimMarks, fimMarksOf } from './fim-marks.js';

export type FimParts = {
  readonly prefix: string;
  readonly suffix: string;
  /** The begin of the answer, where it is known. */
  readonly begin?: string;
  readonly files?: readonly { readonly name: string; readonly text: string }[];
};

/** What the models were trained on where a repository or file has no name. */
const REPO_NAME = 'myproject\n';
const FILE_NAME = 'filename\n';

/** @param param that asks for it, for messages. @throws UNSUPPORTED_PARAMETER where the tokenizer has no marks for it, and as promptIds */
export async function fimPrompt(
  { prefix, suffix, begin = '', files = [] }: FimParts,
  param: string,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array> {
  const { tokenizer, eosIds } = engine.model;
  const marks = fimMarksOf(tokenizer);
  if (!marks) {
    const why = 'is not supported by this model: its tokenizer has no tokens for filling in; leave it out';
    throw unsupported(param, why);
  }
  const part = (text: string): Promise<readonly number[]> => partIds(text, engine, signal);
  // What begins every prompt, but not what ends a text.
  const ids = tokenizer.encode('').filter((id) => !eosIds.includes(id));
  const add = (more: readonly number[]): void => more.forEach((id) => ids.push(id));
  add(await extraFiles(files, marks, part));
  add([marks.prefix, ...(await part(prefix)), marks.suffix]);
  add([...(await part(suffix)), marks.middle]);
  add(await part(begin));
  return Int32Array.from(ids);
}

/** Where the model has no marks for files, their texts stand before the prefix as they are. */
async function extraFiles(
  files: NonNullable<FimParts['files']>,
  { repo, file }: FimMarks,
  part: (text: string) => Promise<readonly number[]>,
): Promise<readonly number[]> {
  const ids: number[] = [];
  const add = (more: readonly number[]): void => more.forEach((id) => ids.push(id));
  const isMarked = repo !== undefined && file !== undefined && files.length > 0;
  if (isMarked) add([repo, ...(await part(REPO_NAME))]);
  for (const { name, text } of files)
    add(isMarked ? [file, ...(await part(`${name}\n${text}`))] : await part(text));
  if (isMarked) add([file, ...(await part(FILE_NAME))]);
  return ids;
}

async function partIds(
  text: string,
  { preparation }: ServedEngine,
  signal: AbortSignal,
): Promise<readonly number[]> {
  if (text === '') return [];
  return [...(await preparation.promptIds({ kind: 'text', text, isPart: true }, signal))];
}
