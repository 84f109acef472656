/**
 * Digests as the hub names contents by: sha-256 for large files, git's own sha-1 for small ones. Knows no network.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { BlobDigest } from '../names/hub-file.js';

/** Larger than Node's 64 KB: fewer hand-overs between threads. */
const READ_BYTES = 1 << 20;

/** @param bytes of the whole content: git hashes its length first */
export function openHash(kind: BlobDigest['kind'], bytes: number): Hash {
  return kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}

/** Feeds what lies in a file to a hash. @throws the signal's reason */
export async function hashFile(
  path: string,
  hash: Hash,
  signal: AbortSignal,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES, signal })) {
    hash.update(chunk as Buffer);
    onBytes((chunk as Buffer).length);
  }
}
