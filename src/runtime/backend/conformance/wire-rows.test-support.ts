/**
 * Keys and values as they travel, read number by number: little-endian f32 or f16, or q8, which has the scale of a head before
 * its numbers.
 */
import type { KvDtype } from '../../../core/shape.js';

export function rowsOfBytes(kvDtype: KvDtype, bytes: Uint8Array, headDim: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const each = (size: number, read: (at: number) => number): number[] =>
    Array.from({ length: bytes.byteLength / size }, (_, index) => read(size * index));
  switch (kvDtype) {
    case 'f32':
      return each(4, (at) => view.getFloat32(at, true));
    case 'f16':
      return each(2, (at) => ofF16(view.getUint16(at, true)));
    case 'q8':
      return each(4 + headDim, (at) => at).flatMap((at) => ofQ8(view, at, headDim));
  }
}

function ofQ8(view: DataView, at: number, headDim: number): number[] {
  const scale = view.getFloat32(at, true);
  return Array.from({ length: headDim }, (_, index) => Math.fround(scale * view.getInt8(at + 4 + index)));
}

/** A sign, 5 bits of exponent, 10 of fraction. */
function ofF16(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * (exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction));
}
