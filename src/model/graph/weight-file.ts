/**
 * Writes weights, one after the other, into the data file beside a graph, and hands back the initializers that
 * point at them. Streams: at most one tensor is in memory. Called by the compiler only.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { WeightMatrix } from '../../core/checkpoint.js';
import type { ElementType, Initializer } from './proto.js';

/** Offsets are multiples of a page, so that a tensor can be mapped and so that vector loads are aligned. */
const ALIGNMENT_BYTES = 4096;
/** How much of a matrix is read at once. */
const READ_BYTES = 16 << 20;

export class WeightFile {
  readonly #path: string;
  readonly #file: FileHandle;
  #offset = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<WeightFile> {
    return new WeightFile(path, await open(path, 'wx'));
  }

  /** Appends raw little-endian values. */
  async append(
    name: string,
    type: ElementType,
    dims: readonly number[],
    data: Uint8Array,
  ): Promise<Initializer> {
    const offset = this.#offset;
    await writeAll(this.#file, data, offset);
    this.#offset = offset + Math.ceil(data.byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    return { name, type, dims, data: { file: basename(this.#path), offset, bytes: data.byteLength } };
  }

  /** Appends a matrix as it is, [rows, columns] f32, without holding it whole. */
  async appendMatrix(name: string, matrix: WeightMatrix, dims: readonly number[]): Promise<Initializer> {
    const offset = this.#offset;
    let bytes = 0;
    for await (const panel of readPanels(matrix)) {
      await writeAll(this.#file, asBytes(panel.values), offset + bytes);
      bytes += panel.values.byteLength;
    }
    this.#offset = offset + Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    return { name, type: 'f32', dims, data: { file: basename(this.#path), offset, bytes } };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Rows of a matrix in order, a bounded number of bytes at a time. */
export async function* readPanels(
  matrix: WeightMatrix,
): AsyncGenerator<{ start: number; values: Float32Array }> {
  for (const { start, end } of panelsOf(matrix)) yield { start, values: await matrix.read(start, end) };
}

/** The runs of rows that are read at once. */
export function* panelsOf({ rows, columns }: WeightMatrix): Generator<{ start: number; end: number }> {
  const rowsAtOnce = Math.max(1, Math.floor(READ_BYTES / (4 * columns)));
  for (let start = 0; start < rows; start += rowsAtOnce) {
    yield { start, end: Math.min(rows, start + rowsAtOnce) };
  }
}

/** weight [out, in] → [in, out] f32, the layout MatMul wants; the caller owns the buffer. */
export async function readTransposed(matrix: WeightMatrix): Promise<Float32Array> {
  const { rows, columns } = matrix;
  const transposed = new Float32Array(rows * columns);
  for await (const { start, values } of readPanels(matrix)) {
    transposeInto(values, values.length / columns, columns, transposed, rows, start);
  }
  return transposed;
}

/** Tile edge of the transposition: two 64×64 f32 tiles stay in the first-level cache. */
const TILE = 64;

function transposeInto(
  source: Float32Array,
  rows: number,
  columns: number,
  target: Float32Array,
  targetStride: number,
  targetColumn: number,
): void {
  for (let r0 = 0; r0 < rows; r0 += TILE) {
    const r1 = Math.min(rows, r0 + TILE);
    for (let c0 = 0; c0 < columns; c0 += TILE) {
      const c1 = Math.min(columns, c0 + TILE);
      for (let c = c0; c < c1; c++) {
        const to = c * targetStride + targetColumn;
        for (let r = r0; r < r1; r++) target[to + r] = source[r * columns + c] as number;
      }
    }
  }
}

export function asBytes(values: Float32Array | Int8Array | Uint8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** One write call takes less than 2 GiB. */
const WRITE_BYTES = 64 << 20;

/** One call may write less than it was given, without an error, where the disk gets full. @throws ENOSPC then */
export async function writeAll(file: FileHandle, data: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < data.byteLength;) {
    const part = data.subarray(done, done + WRITE_BYTES);
    const { bytesWritten } = await file.write(part, 0, part.byteLength, offset + done);
    done += bytesWritten;
  }
}
