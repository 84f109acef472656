/**
 * Writes tensors as one safetensors file: an 8-byte little-endian header length, a JSON header padded with
 * spaces to a multiple of 8, and the tensors one after the other in the order given, f32.
 * Used by model/quote and by tests. Does not write folders, shards or other element types.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { KvrError } from '../../core/errors.js';

/** A tensor in row-major order; `data` has as many elements as the shape says. */
export type TensorToWrite = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
};

const ALIGNMENT_BYTES = 8;
/** Node writes less than 2 GiB at once. */
const MAX_WRITE_BYTES = 64 * 1024 * 1024;

/** Writes (or overwrites) `path`. @throws BAD_INPUT where a name is given twice or a shape and its data differ */
export async function writeSafetensors(path: string, tensors: readonly TensorToWrite[]): Promise<void> {
  const header = headerOf(tensors);
  const file = await open(path, 'w');
  try {
    await writeAll(file, header);
    for (const { data } of tensors) await writeAll(file, bytesOf(data));
  } finally {
    await file.close();
  }
}

function headerOf(tensors: readonly TensorToWrite[]): Uint8Array {
  const entries = new Map<string, unknown>();
  let offset = 0;
  for (const tensor of tensors) {
    check(tensor, entries);
    const end = offset + tensor.data.byteLength;
    entries.set(tensor.name, { dtype: 'F32', shape: tensor.shape, data_offsets: [offset, end] });
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const paddedBytes = Math.ceil(json.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const header = Buffer.alloc(8 + paddedBytes, ' ');
  header.writeBigUInt64LE(BigInt(paddedBytes), 0);
  json.copy(header, 8);
  return header;
}

function check(tensor: TensorToWrite, entries: ReadonlyMap<string, unknown>): void {
  if (entries.has(tensor.name)) throw new KvrError('BAD_INPUT', `tensor ${tensor.name} is given twice`);
  const elements = tensor.shape.reduce((product, size) => product * size, 1);
  if (elements !== tensor.data.length) {
    throw new KvrError(
      'BAD_INPUT',
      `tensor ${tensor.name} has shape [${tensor.shape.join(', ')}], ${elements} elements, but ${tensor.data.length} are given`,
    );
  }
}

function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const length = Math.min(MAX_WRITE_BYTES, bytes.length - written);
    written += (await file.write(bytes, written, length)).bytesWritten;
  }
}
