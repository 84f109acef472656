/**
 * Digests that tell a damaged file from a whole one, made to be fast: they are checked at every start of a model. Against
 * damage, not against people: who can write the cache can write digests as well. Knows no folder.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** Large enough that calls cost nothing beside the bytes; the thread that checks is away for 0.5 ms a block at most (measured). */
export const BLOCK_BYTES = 1 << 20;

/**
 * Fixed, since nothing is secret: GMAC serves as a checksum of 128 bits that processors have instructions for. Measured on
 * two cores of an AMD EPYC (Zen 3): GMAC 3,640 MB/s, zlib.crc32 2,480 (Node 20.15 and newer only), SHA-1 1,460, SHA-256 1,180.
 */
const KEY = Buffer.alloc(16, 'kv-runahead');
const NONCE = Buffer.alloc(12);

export type FileDigest = { readonly bytes: number; readonly digest: string };

/** The digest of a file that is made block by block. */
export class GrowingDigest {
  readonly #whole = createHash('sha256');

  /** @param block of BLOCK_BYTES, but for the last, which may be shorter */
  add(block: Uint8Array): void {
    this.#whole.update(tagOf(block));
  }

  /** As fileDigest gives it. Nothing can be added afterwards. */
  end(): string {
    return this.#whole.digest('hex');
  }
}

/**
 * Reads a file once. Gives its thread back between blocks.
 * @returns its size and, over the tags of its blocks, a digest in hex
 * @throws what the file system reports, and the signal's reason
 */
export async function fileDigest(path: string, signal?: AbortSignal): Promise<FileDigest> {
  const file = await open(path, 'r');
  try {
    return await digestOf(file, signal);
  } finally {
    await file.close();
  }
}

async function digestOf(file: FileHandle, signal?: AbortSignal): Promise<FileDigest> {
  const length = Math.min(BLOCK_BYTES, (await file.stat()).size + 1);
  const [even, odd] = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(length)];
  const whole = new GrowingDigest();
  let bytes = 0;
  let block = await readBlock(file, even, bytes);
  for (let isEven = true; block.length > 0; isEven = !isEven) {
    signal?.throwIfAborted();
    bytes += block.length;
    // The next block is read while this one is digested.
    const next = readBlock(file, isEven ? odd : even, bytes);
    whole.add(block);
    block = await next;
  }
  return { bytes, digest: whole.end() };
}

/** Fills the buffer as far as the file goes: where blocks end decides the digest, whatever one read call returns. */
async function readBlock(file: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

function tagOf(block: Uint8Array): Buffer {
  const mac = createCipheriv('aes-128-gcm', KEY, NONCE);
  mac.setAAD(block);
  mac.final();
  return mac.getAuthTag();
}
