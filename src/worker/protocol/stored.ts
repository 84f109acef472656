/**
 * Blocks of the prefix cache on disk, as a worker tells an engine which it can read: names in payloads.
 */
import { HASH_BYTES } from '../../prefix-store/block-hashes.js';

/** A block's name, then u32 the position from which on its layers with a window hold rows, little-endian. */
export const BLOCK_ENTRY_BYTES = HASH_BYTES + 4;

export type StoredEntry = { readonly hash: string; readonly start: number };

/** @param payload of a `stored` message. What is left over at its end is ignored */
export function readStored(payload: Uint8Array): StoredEntry[] {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return Array.from({ length: Math.floor(bytes.length / BLOCK_ENTRY_BYTES) }, (_, index) => {
    const at = index * BLOCK_ENTRY_BYTES;
    return {
      hash: bytes.toString('hex', at, at + HASH_BYTES),
      start: bytes.readUInt32LE(at + HASH_BYTES),
    };
  });
}

/** @param payload of an `unstored` message */
export function readUnstored(payload: Uint8Array): string[] {
  const hex = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('hex');
  return hex.match(new RegExp(`.{${2 * HASH_BYTES}}`, 'g')) ?? [];
}
