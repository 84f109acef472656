/**
 * A file that is fetched piece by piece, and kept in between: what is there of it is read once more when it goes on, so that its
 * digest covers every byte as it lies on the disk.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { GrowingDigest } from '../../model/cache/index.js';
import { PIECE_BYTES } from './messages.js';

/** How much of a file is there and kept: whole pieces, but for the last of the file. @param bytes of the whole */
export async function keptBytes(path: string, bytes: number): Promise<number> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() ? keptOf(facts.size, bytes) : 0;
}

/** A piece that was cut off is fetched again, and so is a file that has grown beyond what it should be. */
function keptOf(size: number, wholeBytes: number): number {
  if (size === wholeBytes) return size;
  return size > wholeBytes ? 0 : size - (size % PIECE_BYTES);
}

export class GrowingFile {
  readonly #handle: FileHandle;
  readonly #digest = new GrowingDigest();
  #bytes = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Opens what is there, or an empty file. @param bytes of the whole. @throws what the file system reports */
  static async open(path: string, bytes: number): Promise<GrowingFile> {
    // 'a' would write at the end whatever the position is.
    const handle = await open(path, 'r+').catch(() => open(path, 'w+'));
    const file = new GrowingFile(handle);
    await file.#readBack(bytes);
    return file;
  }

  /** So many are there, in whole pieces but for the last of the file. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param piece the next of PIECE_BYTES, or the last */
  async append(piece: Uint8Array): Promise<void> {
    for (let done = 0; done < piece.byteLength;) {
      const { bytesWritten } = await this.#handle.write(piece, done, undefined, this.#bytes + done);
      done += bytesWritten;
    }
    this.#digest.add(piece);
    this.#bytes += piece.byteLength;
  }

  /** @returns the digest of the whole file. Nothing can be appended afterwards */
  end(): string {
    return this.#digest.end();
  }

  /** Begins again with nothing. */
  async clear(): Promise<void> {
    await this.#handle.truncate(0);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #readBack(wholeBytes: number): Promise<void> {
    const kept = keptOf((await this.#handle.stat()).size, wholeBytes);
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, kept));
    while (this.#bytes < kept) {
      const length = Math.min(PIECE_BYTES, kept - this.#bytes);
      const { bytesRead } = await this.#handle.read(piece, 0, length, this.#bytes);
      if (bytesRead < length) break;
      this.#digest.add(piece.subarray(0, length));
      this.#bytes += length;
    }
    await this.#handle.truncate(this.#bytes);
  }
}
