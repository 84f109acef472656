/**
 * One open GGUF file: its head, and rows of its tensors.
 */
import type { FileHandle } from 'node:fs/promises';
import type { IntegerRows, WeightMatrix } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { openRegular, readFully } from '../checkpoint/regular-file.js';
import type { Metadata } from './header/metadata.js';
import { type Head, readHead } from './header/read-head.js';
import type { TensorEntry } from './header/tensor-table.js';

export class GgufFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #head: Head;
  #closing: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, head: Head) {
    this.path = path;
    this.#file = file;
    this.#head = head;
  }

  /** @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
  static async open(path: string): Promise<GgufFile> {
    const file = await openRegular(path);
    try {
      return new GgufFile(path, file, await readHead(file, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get metadata(): Metadata {
    return this.#head.metadata;
  }

  get tensors(): ReadonlyMap<string, TensorEntry> {
    return this.#head.tensors;
  }

  /** A tensor as a matrix of all its innermost rows, each read when it is asked for. */
  matrix(entry: TensorEntry): WeightMatrix {
    const { kind, shape } = entry;
    const columns = shape.at(-1) ?? 1;
    const rows = shape.reduce((product, size) => product * size, 1) / columns;
    const read = async (start: number, end: number): Promise<Float32Array> => {
      const values = new Float32Array((end - start) * columns);
      kind.decode(await this.#rows(entry, { start, end, rows }), values);
      return values;
    };
    const { integers } = kind;
    if (!integers) return { rows, columns, read };
    const { bits, blockSize } = integers;
    const readIntegers = async (start: number, end: number): Promise<IntegerRows> => {
      const codes = new Int8Array((end - start) * columns);
      const scales = new Float32Array(codes.length / blockSize);
      integers.decode(await this.#rows(entry, { start, end, rows }), codes, scales);
      return { codes, scales };
    };
    return { rows, columns, read, integers: { bits, blockSize, read: readIntegers } };
  }

  /** Harmless when called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#file.close();
    return this.#closing;
  }

  /** The bytes of rows [start, end) of `rows`. */
  async #rows(
    { name, startByte, endByte }: TensorEntry,
    { start, end, rows }: { start: number; end: number; rows: number },
  ): Promise<Uint8Array> {
    if (!(start >= 0 && start <= end && end <= rows))
      throw new KvrError('INTERNAL', `rows [${start}, ${end}) of ${name} were asked for, it has ${rows}`);
    if (this.#closing !== undefined)
      throw new KvrError('CLOSED', `${this.path} was read after its checkpoint was closed`);
    const rowBytes = (endByte - startByte) / rows;
    const bytes = new Uint8Array((end - start) * rowBytes);
    await readFully(this.#file, bytes, startByte + start * rowBytes, this.path);
    return bytes;
  }
}
