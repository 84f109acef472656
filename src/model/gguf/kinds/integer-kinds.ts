/**
 * Kinds whose values are small integers times a scale, 32 of them sharing one. In each block the low halves of 16 bytes
 * are the first 16 values, the high halves the others.
 */
import { halfAt, integerKind, SCALED_VALUES, wordAt } from './weight-kind.js';

const HALF = SCALED_VALUES / 2;
const SHORT = { bits: 4, blockValues: SCALED_VALUES } as const;
const LONG = { bits: 8, blockValues: SCALED_VALUES } as const;

/** Codes of 16 bytes of two each, by what each of the 16 numbers in four bits stands for. */
function decodeNibbles(
  bytes: Uint8Array,
  at: number,
  codes: Int8Array,
  to: number,
  meaning: Int8Array,
): void {
  for (let i = 0; i < HALF; i++) {
    const byte = bytes[at + i] as number;
    codes[to + i] = meaning[byte & 15] as number;
    codes[to + HALF + i] = meaning[byte >> 4] as number;
  }
}

/** f16 d, then the codes. */
const AROUND_8 = Int8Array.from({ length: 16 }, (_, nibble) => nibble - 8);
export const Q4_0 = integerKind('Q4_0', { ...SHORT, blockBytes: 18 }, (bytes, at, codes, to, scales) => {
  scales[to / SCALED_VALUES] = halfAt(bytes, at);
  decodeNibbles(bytes, at + 2, codes, to, AROUND_8);
});

/** f16 d, 32 fifth bits, then the other four of each value. */
export const Q5_0 = integerKind('Q5_0', { ...LONG, blockBytes: 22 }, (bytes, at, codes, to, scales) => {
  scales[to / SCALED_VALUES] = halfAt(bytes, at);
  for (let i = 0; i < SCALED_VALUES; i++) codes[to + i] = fiveBitsAt(bytes, at + 2, i) - 16;
});

/** Value i of a block of five-bit values: 4 bytes of upper bits, then 16 bytes of lower ones. */
export function fiveBitsAt(bytes: Uint8Array, at: number, i: number): number {
  const high = ((bytes[at + (i >> 3)] as number) >> (i & 7)) & 1;
  const byte = bytes[at + 4 + (i % HALF)] as number;
  return (i < HALF ? byte & 15 : byte >> 4) | (high << 4);
}

/** f16 d, then the codes, a byte each. */
export const Q8_0 = integerKind('Q8_0', { ...LONG, blockBytes: 34 }, (bytes, at, codes, to, scales) => {
  scales[to / SCALED_VALUES] = halfAt(bytes, at);
  for (let i = 0; i < SCALED_VALUES; i++) codes[to + i] = bytes[at + 2 + i] as number;
});

/** Numbers that lie closer together around 0. */
const UNEVEN = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
export const IQ4_NL = integerKind('IQ4_NL', { ...LONG, blockBytes: 18 }, (bytes, at, codes, to, scales) => {
  scales[to / SCALED_VALUES] = halfAt(bytes, at);
  decodeNibbles(bytes, at + 2, codes, to, UNEVEN);
});

/** f16 d, eight times two upper bits of a scale, eight times its four lower ones, then the codes. */
const XS_GROUPS = 8;
export const IQ4_XS = integerKind(
  'IQ4_XS',
  { bits: 8, blockValues: XS_GROUPS * SCALED_VALUES, blockBytes: 136 },
  (bytes, at, codes, to, scales) => {
    const d = halfAt(bytes, at);
    const upper = wordAt(bytes, at + 2);
    for (let group = 0; group < XS_GROUPS; group++) {
      const lower = ((bytes[at + 4 + (group >> 1)] as number) >> (4 * (group & 1))) & 15;
      const scale = lower | (((upper >> (2 * group)) & 3) << 4);
      scales[to / SCALED_VALUES + group] = d * (scale - 32);
      decodeNibbles(bytes, at + 8 + HALF * group, codes, to + SCALED_VALUES * group, UNEVEN);
    }
  },
);

/** Twice the numbers that four bits of floating point stand for: 0, ½, 1, 1½, 2, 3, 4, 6, and the same below zero. */
const TWICE = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
/** An exponent, 127 for 1, then the codes. */
export const MXFP4 = integerKind('MXFP4', { ...LONG, blockBytes: 17 }, (bytes, at, codes, to, scales) => {
  scales[to / SCALED_VALUES] = 2 ** ((bytes[at] as number) - 128);
  decodeNibbles(bytes, at + 1, codes, to, TWICE);
});
