/**
 * Keys and values as they travel, read number by number: little-endian f32 or f16.
 */
import type { KvDtype } from '../../../core/shape.js';

export function rowsOfBytes(kvDtype: KvDtype, bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = kvDtype === 'f16' ? 2 : 4;
  return Array.from({ length: bytes.byteLength / size }, (_, at) =>
    size === 4 ? view.getFloat32(4 * at, true) : ofF16(view.getUint16(2 * at, true)),
  );
}

/** A sign, 5 bits of exponent, 10 of fraction. */
function ofF16(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * (exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction));
}
