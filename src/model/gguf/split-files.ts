/**
 * A model's GGUF files: one, or all parts of one that was split (NAME-00001-of-00003.gguf). Opens and closes them together.
 */
import { dirname, join, basename } from 'node:path';
import { MAX_TENSORS } from '../checkpoint/safetensors.js';
import { broken, quoted } from './header/broken.js';
import { GgufFile } from './gguf-file.js';

/** Every part stays open; the largest known models have about 50. */
const MAX_PARTS = 512;
const PART_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/;

/** @param path of the file, or of any of its parts. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export async function openParts(path: string): Promise<GgufFile[]> {
  const files: GgufFile[] = [];
  try {
    for (const part of partPaths(path)) {
      files.push(await GgufFile.open(part));
      checkCount(files);
    }
    checkParts(files);
    return files;
  } catch (error) {
    await closeParts(files);
    throw error;
  }
}

export async function closeParts(files: readonly GgufFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}

function partPaths(path: string): string[] {
  const [, stem, , total] = PART_NAME.exec(basename(path)) ?? [];
  if (stem === undefined || total === undefined) return [path];
  const parts = Number(total);
  if (parts < 1 || parts > MAX_PARTS)
    throw broken(path, `its name tells of ${parts} parts, there may be 1 to ${MAX_PARTS}`);
  return Array.from({ length: parts }, (_, index) => {
    const number = String(index + 1).padStart(5, '0');
    return join(dirname(path), `${stem}-${number}-of-${total}.gguf`);
  });
}

function checkCount(files: readonly GgufFile[]): void {
  const tensors = files.reduce((sum, file) => sum + file.tensors.size, 0);
  const last = files.at(-1);
  if (tensors <= MAX_TENSORS || last === undefined) return;
  throw broken(last.path, `the model has ${tensors} tensors up to this part, the most is ${MAX_TENSORS}`);
}

/** What the parts say of themselves, and that no tensor is in two of them. */
function checkParts(files: readonly GgufFile[]): void {
  const names = new Set<string>();
  for (const [index, { path, metadata, tensors }] of files.entries()) {
    expectNumber(path, metadata.number('split.count') ?? 1, files.length, 'split.count');
    expectNumber(path, metadata.number('split.no') ?? 0, index, 'split.no');
    for (const name of tensors.keys()) {
      if (names.has(name)) throw broken(path, `tensor ${quoted(name)} is in two parts`);
      names.add(name);
    }
  }
  const [first] = files;
  const total = first?.metadata.number('split.tensors.count');
  if (first && total !== undefined) expectNumber(first.path, total, names.size, 'split.tensors.count');
}

function expectNumber(path: string, value: number, wanted: number, key: string): void {
  if (value === wanted) return;
  throw broken(path, `${key} is ${value}, with the parts that its name tells of it must be ${wanted}`);
}
