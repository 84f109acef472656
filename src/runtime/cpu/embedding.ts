/**
 * The embedding table of a compiled model, read row by row. Not mapped: the system would make up to 2 MiB resident
 * around each row that a prompt touches, and so nearly the whole table, of which one prompt needs little.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { readSync } from 'node:fs';
import { KvrError } from '../../core/errors.js';

export class Embedding {
  readonly #file: FileHandle;
  readonly #width: number;

  private constructor(file: FileHandle, width: number) {
    this.#file = file;
    this.#width = width;
  }

  /** @param path rows [vocabulary, width] f32 from the file's first byte on. @throws INTERNAL */
  static async open(path: string, width: number): Promise<Embedding> {
    try {
      return new Embedding(await open(path, 'r'), width);
    } catch (error) {
      throw new KvrError('INTERNAL', `the embedding ${path} can not be opened: ${String(error)}`, {}, error);
    }
  }

  /** ids [rows] → [rows, width] f32, the caller's. Blocks its thread. @throws INTERNAL for an id that has no row */
  rows(ids: Int32Array): Float32Array {
    const values = new Float32Array(ids.length * this.#width);
    const bytes = new Uint8Array(values.buffer);
    const rowBytes = 4 * this.#width;
    ids.forEach((id, row) => {
      const read = id < 0 ? 0 : readSync(this.#file.fd, bytes, row * rowBytes, rowBytes, id * rowBytes);
      if (read !== rowBytes) throw new KvrError('INTERNAL', `the embedding has no whole row for token ${id}`);
    });
    return values;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
