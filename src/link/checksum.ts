/**
 * The checksums of a frame: CRC-32, which finds every flipped bit, every burst of up to 32, and all but one in four
 * thousand million of other damage. Pure.
 *
 * From node:zlib: 3.5 GB/s on one core of an Intel Xeon, where tables in JavaScript do 0.35. At 2,048 tokens of
 * TinyLlama's shape (8 layers, 17 MB between two workers) that is 5 ms of the network thread at each end, which the
 * compute thread does not wait for.
 */
import { crc32 } from 'node:zlib';

/** @returns u32 over all parts as if they were one */
export function checksumOf(...parts: readonly Uint8Array[]): number {
  // Of an empty part, zlib may forget the sum so far.
  return parts.reduce((sum, part) => (part.byteLength === 0 ? sum : crc32(part, sum)), 0);
}
