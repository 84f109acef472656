/**
 * The reference's logits between the pass that makes them and the passes that are compared with them, in a file, since
 * a text's logits do not fit in memory. Panels come back in the order in which they were appended.
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { makeFolder } from '../../model/cache/index.js';

export class LogitsFile {
  readonly #folder: string;
  readonly #file: FileHandle;
  #end = 0;
  #at = 0;

  private constructor(folder: string, file: FileHandle) {
    this.#folder = folder;
    this.#file = file;
  }

  /** @param cacheFolder has room for a file of tokens · vocabulary · 4 bytes. @throws CACHE_UNWRITABLE */
  static async create(cacheFolder: string): Promise<LogitsFile> {
    await makeFolder(cacheFolder);
    const folder = await mkdtemp(join(cacheFolder, 'quality-'));
    return new LogitsFile(folder, await open(join(folder, 'logits'), 'w+'));
  }

  /** @throws DISK_FULL */
  async append(logits: Float32Array): Promise<void> {
    try {
      const bytes = new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength);
      await this.#file.writev([bytes], this.#end);
      this.#end += bytes.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      const needed = Math.ceil(this.#end / 2 ** 20);
      throw new KvrError(
        'DISK_FULL',
        `disk full after ${needed} MiB of logits; give a shorter text or another --cache-dir`,
        {},
        error,
      );
    }
  }

  /** Begins again with the first panel. */
  rewind(): void {
    this.#at = 0;
  }

  /** The next `length` logits; the caller owns them. */
  async next(length: number): Promise<Float32Array> {
    const logits = new Float32Array(length);
    const { bytesRead } = await this.#file.read(new Uint8Array(logits.buffer), 0, 4 * length, this.#at);
    if (bytesRead < 4 * length) throw new KvrError('INTERNAL', 'a panel of logits is not whole');
    this.#at += bytesRead;
    return logits;
  }

  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
