/**
 * The tensors of a checkpoint folder by name: one model.safetensors, or shards named by
 * model.safetensors.index.json. Gives views that read rows when asked. Knows no architecture.
 */
import { basename, join } from 'node:path';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { WeightMatrix } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { isErrno } from '../cache/files/errno.js';
import { isReadable } from './element-types.js';
import { checkJson, readJsonFile } from './json-file.js';
import { printable } from './printable.js';
import { SafetensorsFile, unreadable } from './safetensors-file.js';
import type { TensorEntry } from './safetensors-header.js';

const BYTE_TYPE = 'U8';
const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
/** A line of some 100 bytes for each tensor; the largest known has a few MB. */
const MAX_INDEX_BYTES = 16_000_000;
/** 1,024 layers, the most a model may have, of 64 tensors each; those in use have under 1,000. */
export const MAX_TENSORS = 65_536;
/** Every shard stays open; the largest known checkpoints have about 200. */
const MAX_SHARDS = 512;

export type TensorSource = {
  /** The weight files, in one order: what the digest is taken over. */
  readonly files: readonly string[];
  /** Of all tensors. */
  names(): readonly string[];
  has(name: string): boolean;
  /** A tensor of the shape [rows, columns]. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL for its type */
  matrix(name: string, rows: number, columns: number): WeightMatrix;
  /** A tensor of the shape [length] as one row. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL for its type */
  vector(name: string, length: number): WeightMatrix;
  /** A tensor of the shape [length] as one column, to take runs of its elements. @throws as vector */
  column(name: string, length: number): WeightMatrix;
  /** A tensor of the shape [count, rows, columns] as one matrix of count·rows rows. @throws as matrix */
  stacked(name: string, sizes: readonly [number, number, number]): WeightMatrix;
  /** Bytes of a tensor of U8, in the order of the file. @throws BAD_CHECKPOINT where it has another shape or type */
  bytes(name: string, sizes: readonly number[]): ByteTensor;
  /** Harmless when called twice. */
  close(): Promise<void>;
};

/** Bytes [start, end) of a tensor; the caller owns them. @throws BAD_CHECKPOINT */
export type ByteTensor = { read(start: number, end: number): Promise<Uint8Array> };

type Located = { readonly file: SafetensorsFile; readonly entry: TensorEntry };

/** @throws BAD_CHECKPOINT where the folder has no sound safetensors files */
export async function openSafetensors(folder: string): Promise<TensorSource> {
  const weightMap = await weightMapOf(folder);
  const names = [...new Set(weightMap?.values() ?? [SINGLE_FILE])].sort();
  const files = await openAll(names.map((name) => join(folder, name)));
  try {
    return sourceOf(
      folder,
      files,
      weightMap === undefined ? allTensors(files) : mappedTensors(files, weightMap),
    );
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/** @returns tensor name → shard, or undefined where there is one file. */
async function weightMapOf(folder: string): Promise<Map<string, string> | undefined> {
  if (await exists(join(folder, SINGLE_FILE))) return undefined;
  const path = join(folder, INDEX_FILE);
  const json = await readJsonFile(path, MAX_INDEX_BYTES);
  if (json === undefined) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${folder} has neither ${SINGLE_FILE} nor ${INDEX_FILE}; fetch the checkpoint's safetensors files, other formats are not read`,
    );
  }
  const weightMap = new Map(Object.entries(checkJson(indexSchema, json, path).weight_map));
  const shards = new Set(weightMap.values()).size;
  if (shards < 1 || shards > MAX_SHARDS) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} names ${shards} files, it must name 1 to ${MAX_SHARDS}; fetch it again`,
    );
  }
  return weightMap;
}

/** A shard lies in the folder itself, whatever the index says. */
const shardName = z
  .string()
  .max(255)
  .regex(/^[^/\\\0]+\.safetensors$/, 'not the name of a .safetensors file in the same folder');
const indexSchema = z.object({ weight_map: z.record(z.string(), shardName) });

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${path} can not be read: ${String(error)}; check its rights`,
      {},
      error,
    );
  }
}

/** @throws BAD_CHECKPOINT as soon as the files that are open have too many tensors */
function checkTensorCount(files: readonly SafetensorsFile[], path: string): void {
  const tensors = files.reduce((sum, { entries }) => sum + entries.size, 0);
  if (tensors <= MAX_TENSORS) return;
  throw new KvrError(
    'BAD_CHECKPOINT',
    `${path}: the checkpoint has ${tensors} tensors up to this file, the most is ${MAX_TENSORS}; use another one`,
  );
}

async function openAll(paths: readonly string[]): Promise<SafetensorsFile[]> {
  const files: SafetensorsFile[] = [];
  try {
    for (const path of paths) {
      files.push(await SafetensorsFile.open(path));
      checkTensorCount(files, path);
    }
    return files;
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

async function closeAll(files: readonly SafetensorsFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}

function allTensors(files: readonly SafetensorsFile[]): Map<string, Located> {
  return new Map(files.flatMap((file) => [...file.entries].map(([name, entry]) => [name, { file, entry }])));
}

function mappedTensors(
  files: readonly SafetensorsFile[],
  weightMap: ReadonlyMap<string, string>,
): Map<string, Located> {
  const byName = new Map(files.map((file) => [basename(file.path), file]));
  const tensors = new Map<string, Located>();
  for (const [name, shard] of weightMap) {
    const file = byName.get(shard);
    const entry = file?.entries.get(name);
    if (file === undefined || entry === undefined) {
      throw new KvrError(
        'BAD_CHECKPOINT',
        `${INDEX_FILE} says that ${printable(shard)} holds tensor ${printable(name)}, but it does not; fetch the checkpoint again`,
      );
    }
    tensors.set(name, { file, entry });
  }
  return tensors;
}

function sourceOf(
  folder: string,
  files: readonly SafetensorsFile[],
  tensors: ReadonlyMap<string, Located>,
): TensorSource {
  const located = (name: string, shape: readonly number[]): Located => {
    const found = findTensor(folder, tensors, name, shape);
    if (!isReadable(found.entry.type)) throw unreadable(found.file.path, found.entry);
    return found;
  };
  return {
    files: files.map((file) => file.path),
    names: () => [...tensors.keys()],
    has: (name) => tensors.has(name),
    matrix: (name, rows, columns) => viewOf(located(name, [rows, columns]), rows, columns),
    vector: (name, length) => viewOf(located(name, [length]), 1, length),
    column: (name, length) => viewOf(located(name, [length]), length, 1),
    stacked: (name, [count, rows, columns]) =>
      viewOf(located(name, [count, rows, columns]), count * rows, columns),
    bytes: (name, sizes) => byteView(findTensor(folder, tensors, name, sizes)),
    close: () => closeAll(files),
  };
}

function viewOf({ file, entry }: Located, rows: number, columns: number): WeightMatrix {
  const read = async (start: number, end: number): Promise<Float32Array> => {
    if (!(start >= 0 && start <= end && end <= rows)) {
      throw new KvrError(
        'INTERNAL',
        `rows [${start}, ${end}) of ${entry.name} were asked for, it has ${rows}`,
      );
    }
    return file.read(entry, start * columns, end * columns);
  };
  return { rows, columns, read };
}

/** @throws BAD_CHECKPOINT where there is none of this shape */
function findTensor(
  folder: string,
  tensors: ReadonlyMap<string, Located>,
  name: string,
  shape: readonly number[],
): Located {
  const found = tensors.get(name);
  if (found === undefined) throw missing(folder, name, shape);
  checkShape(found, shape);
  return found;
}

function byteView({ file, entry }: Located): ByteTensor {
  if (entry.type !== BYTE_TYPE) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${file.path}: tensor ${entry.name} is of type ${printable(entry.type)}, it must be ${BYTE_TYPE}; fetch the checkpoint again`,
    );
  }
  return { read: (start, end) => file.readBytes(entry, start, end) };
}

function checkShape({ file, entry }: Located, shape: readonly number[]): void {
  if (entry.shape.join() !== shape.join()) {
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${file.path}: tensor ${entry.name} is [${entry.shape.join(', ')}], config.json makes it [${shape.join(', ')}]; the files do not belong together`,
    );
  }
}

function missing(folder: string, name: string, shape: readonly number[]): KvrError {
  return new KvrError(
    'BAD_CHECKPOINT',
    `${folder} has no tensor ${name} [${shape.join(', ')}], which its config.json calls for; fetch the checkpoint again`,
  );
}
