/**
 * The names of blocks: a chain of hashes over a prompt's tokens, so that a block's name stands for all tokens up to its end.
 * Prompts that begin alike name the same blocks, whoever asks. Pure; used by workers for files and by the engine to find them.
 */
import { createHash } from 'node:crypto';
import type { KvDtype } from '../core/shape.js';

/** Tokens of a block: small enough that little is computed again where prompts part, large enough for files of about a megabyte. */
export const BLOCK_TOKENS = 64;
/** Bytes of a name: prompts come from strangers, and no two texts may be made that share one. */
export const HASH_BYTES = 20;

/** @param ids a prompt from its first token on. @returns the names, in hex, of all whole blocks it has */
export function blockHashes(kvDtype: KvDtype, ids: Int32Array): string[] {
  const blocks = Math.floor(ids.length / BLOCK_TOKENS);
  const bytes = littleEndian(ids.subarray(0, blocks * BLOCK_TOKENS));
  let before: Uint8Array = Buffer.from(kvDtype);
  return Array.from({ length: blocks }, (_, block) => {
    const own = bytes.subarray(4 * block * BLOCK_TOKENS, 4 * (block + 1) * BLOCK_TOKENS);
    const hash = createHash('sha256').update(before).update(own).digest().subarray(0, HASH_BYTES);
    before = hash;
    return hash.toString('hex');
  });
}

function littleEndian(ids: Int32Array): Buffer {
  const bytes = Buffer.alloc(4 * ids.length);
  ids.forEach((id, at) => bytes.writeInt32LE(id, 4 * at));
  return bytes;
}
