/**
 * A download that is under way, as it lies on disk: it only grows, its digest grows with it, and it becomes a blob when both
 * its length and its digest are right. What an earlier attempt or program left is gone on from.
 */
import type { Hash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { writeAll } from '../../graph/weight-file.js';
import { syncFile } from '../../cache/files/open-file.js';
import { hashFile, openHash } from './content-hash.js';
import { fileBytes } from './cache-layout.js';
import type { HubFile } from '../names/hub-file.js';

export class PartialFile {
  readonly #path: string;
  readonly #wanted: HubFile;
  readonly #file: FileHandle;
  #hash: Hash;
  #bytes = 0;

  private constructor(path: string, wanted: HubFile, file: FileHandle) {
    this.#path = path;
    this.#wanted = wanted;
    this.#file = file;
    this.#hash = openHash(wanted.digest.kind, wanted.bytes);
  }

  /** Reads what is there already; what can not be a part of the file is thrown away. @throws the signal's reason */
  static async open(path: string, wanted: HubFile, signal: AbortSignal): Promise<PartialFile> {
    const found = await fileBytes(path);
    if (found === undefined || found > wanted.bytes) await rm(path, { force: true, recursive: true });
    const partial = new PartialFile(path, wanted, await open(path, found === undefined ? 'wx' : 'a+'));
    try {
      await hashFile(path, partial.#hash, signal, (bytes) => (partial.#bytes += bytes));
      return partial;
    } catch (error) {
      await partial.close();
      throw error;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isComplete(): boolean {
    return this.#bytes === this.#wanted.bytes;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await writeAll(this.#file, chunk, this.#bytes);
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = openHash(this.#wanted.digest.kind, this.#wanted.bytes);
    this.#bytes = 0;
  }

  /** @returns whether it held what was wanted, and so lies at `blob` now; it is empty again otherwise */
  async finish(blob: string): Promise<boolean> {
    const hex = this.#hash.digest('hex');
    if (!this.isComplete || hex !== this.#wanted.digest.hex) {
      await this.restart();
      return false;
    }
    await syncFile(this.#file.fd);
    await rename(this.#path, blob);
    return true;
  }

  /** What is there stays. */
  close(): Promise<void> {
    return this.#file.close();
  }
}
