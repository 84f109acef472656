/**
 * Element types of safetensors files, and the conversion of those we read to f32.
 * Machines are taken to be little-endian, as the format is.
 */

/** Bytes of one element; types that are not listed have no size that is known here. */
const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ['BOOL', 1],
  ['U8', 1],
  ['I8', 1],
  ['F8_E4M3', 1],
  ['F8_E5M2', 1],
  ['F8_E8M0', 1],
  ['U16', 2],
  ['I16', 2],
  ['F16', 2],
  ['BF16', 2],
  ['U32', 4],
  ['I32', 4],
  ['F32', 4],
  ['U64', 8],
  ['I64', 8],
  ['F64', 8],
  ['C64', 8],
]);

export const READABLE_TYPES = ['F32', 'F16', 'BF16'] as const;
export type ReadableType = (typeof READABLE_TYPES)[number];

/** @returns bytes of one element, or undefined for a type that is not known. */
export function elementBytes(type: string): number | undefined {
  return ELEMENT_BYTES.get(type);
}

export function isReadable(type: string): type is ReadableType {
  return (READABLE_TYPES as readonly string[]).includes(type);
}

/**
 * Converts in place: the upper half of `values`' bytes holds `values.length` 16-bit elements, and afterwards
 * `values` holds them as f32. Going upwards, no element is written over before it was read.
 */
export function widenUpperHalf(values: Float32Array, type: 'F16' | 'BF16'): void {
  const count = values.length;
  const narrow = new Uint16Array(values.buffer, values.byteOffset + 2 * count, count);
  const wide = new Uint32Array(values.buffer, values.byteOffset, count);
  if (type === 'BF16') {
    for (let i = 0; i < count; i++) wide[i] = narrow[i]! << 16;
  } else {
    const table = halfTable();
    for (let i = 0; i < count; i++) wide[i] = table[narrow[i]!]!;
  }
}

let halves: Uint32Array | undefined;

/** All 65,536 f16 values by their bits; shared, to be read only. */
export function halfValues(): Float32Array {
  valuesOfHalves ??= new Float32Array(halfTable().buffer);
  return valuesOfHalves;
}

let valuesOfHalves: Float32Array | undefined;

/** The f32 bits of all 65,536 f16 values; made once, 256 KB. */
function halfTable(): Uint32Array {
  halves ??= Uint32Array.from({ length: 65_536 }, (_, half) => floatBits(half));
  return halves;
}

/** f16: 1 sign bit, 5 of exponent with a bias of 15, 10 of fraction (IEEE 754 binary16). */
function floatBits(half: number): number {
  const sign = (half >>> 15) * 2 ** 31;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return sign + 0x7f80_0000 + fraction * 2 ** 13;
  if (exponent > 0) return sign + (exponent + 112) * 2 ** 23 + fraction * 2 ** 13;
  const [magnitude = 0] = new Uint32Array(new Float32Array([fraction * 2 ** -24]).buffer);
  return sign + magnitude;
}
