/**
 * The tensors that a head lists, with every size and place checked before a byte of one is read. Pure.
 */
import type { GGUFTensorInfo } from '@huggingface/gguf';
import { broken, notSupported, quoted } from './broken.js';
import { WEIGHT_KINDS, type WeightKind } from '../kinds/index.js';

export type TensorEntry = {
  readonly name: string;
  readonly kind: WeightKind;
  /** Outermost first, as everywhere but in the file. */
  readonly shape: readonly number[];
  /** From the beginning of the file. */
  readonly startByte: number;
  readonly endByte: number;
};

/** Where data lie: from `start` on, each tensor at a multiple of `alignment`, all before `fileBytes`. */
export type DataPlace = { readonly start: number; readonly alignment: number; readonly fileBytes: number };

/** @throws BAD_CHECKPOINT where tensors overlap, lie outside or leave room; UNSUPPORTED_MODEL for a kind that is not read */
export function tensorTable(
  infos: readonly GGUFTensorInfo[],
  place: DataPlace,
  path: string,
): Map<string, TensorEntry> {
  const entries = infos.map((info) => entryOf(info, place, path));
  checkPlaces(entries, place, path);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function entryOf(
  { name, shape, dtype, offset }: GGUFTensorInfo,
  place: DataPlace,
  path: string,
): TensorEntry {
  const kind = WEIGHT_KINDS.get(dtype);
  if (kind === undefined) {
    const known = [...WEIGHT_KINDS.values()].map((each) => each.name).join(', ');
    throw notSupported(path, `tensor ${quoted(name)} of kind ${Number(dtype)}`, known);
  }
  const bytes = bytesOf(name, shape, kind, path);
  if (offset % BigInt(place.alignment) !== 0n)
    throw broken(path, `tensor ${quoted(name)} begins at ${offset}, no multiple of ${place.alignment}`);
  const end = BigInt(place.start) + offset + BigInt(bytes);
  if (end > BigInt(place.fileBytes)) {
    const what = `tensor ${quoted(name)} ends at byte ${end}, the file has ${place.fileBytes}: it is cut off`;
    throw broken(path, what);
  }
  return {
    name,
    kind,
    shape: shape.map(Number).reverse(),
    startByte: Number(end) - bytes,
    endByte: Number(end),
  };
}

function bytesOf(name: string, shape: readonly bigint[], kind: WeightKind, path: string): number {
  const [columns = 1n] = shape;
  const blockValues = BigInt(kind.blockValues);
  const sizes = `[${[...shape].reverse().join(', ')}]`;
  if (shape.includes(0n)) throw broken(path, `tensor ${quoted(name)} is ${sizes}: no size may be 0`);
  if (columns % blockValues !== 0n) {
    const what = `tensor ${quoted(name)} has rows of ${columns}, no multiple of ${blockValues}, the block of ${kind.name}`;
    throw broken(path, what);
  }
  const values = shape.reduce((product, size) => product * size, 1n);
  const bytes = (values / blockValues) * BigInt(kind.blockBytes);
  if (4n * values <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(bytes);
  throw broken(path, `tensor ${quoted(name)} is ${sizes}: more than ${Number.MAX_SAFE_INTEGER} bytes`);
}

/** Between two tensors lies only what makes the second one begin at a multiple of the alignment. */
function checkPlaces(entries: readonly TensorEntry[], { start, alignment }: DataPlace, path: string): void {
  let end = start;
  for (const entry of [...entries].sort((a, b) => a.startByte - b.startByte || a.endByte - b.endByte)) {
    const gap = entry.startByte - end;
    if (gap < 0)
      throw broken(path, `tensor ${quoted(entry.name)} overlaps the one before it by ${-gap} bytes`);
    if (gap >= alignment)
      throw broken(path, `${gap} bytes before tensor ${quoted(entry.name)} belong to no tensor`);
    end = entry.endByte;
  }
}
