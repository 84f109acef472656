/**
 * Kinds of 256 values a block, in groups of 16 or 32 that have a small integer for a scale of their own.
 */
import { blockKind, halfAt } from './weight-kind.js';

const VALUES = 256;
const GROUP = 32;

/**
 * 16 bytes of scale (low half) and offset (high half), 64 bytes of four values each, f16 d, f16 for the offsets. Bits
 * 2j and 2j+1 of 32 bytes are 32 values that follow each other.
 */
export const Q2_K = blockKind('Q2_K', VALUES, 84, (bytes, at, values, to) => {
  const d = halfAt(bytes, at + 80);
  const m = halfAt(bytes, at + 82);
  for (let i = 0; i < VALUES; i++) {
    const scales = bytes[at + (i >> 4)] as number;
    values[to + i] = d * (scales & 15) * twoBitsAt(bytes, at + 16, i) - m * (scales >> 4);
  }
});

function twoBitsAt(bytes: Uint8Array, at: number, i: number): number {
  return ((bytes[at + GROUP * (i >> 7) + (i & 31)] as number) >> (2 * ((i >> 5) & 3))) & 3;
}

/** 32 bytes of third bits, 64 of two-bit values as in Q2_K, 12 of scales with six bits, f16 d. */
export const Q3_K = blockKind('Q3_K', VALUES, 110, (bytes, at, values, to) => {
  const d = halfAt(bytes, at + 108);
  for (let i = 0; i < VALUES; i++) {
    const high = ((bytes[at + (i & 31)] as number) >> (i >> 5)) & 1;
    const value = (twoBitsAt(bytes, at + 32, i) | (high << 2)) - 4;
    values[to + i] = d * (sixBitScaleAt(bytes, at + 96, i >> 4) - 32) * value;
  }
});

/** Scale `group` of 16: four bits in one of 8 bytes, two in one of the 4 after them. */
function sixBitScaleAt(bytes: Uint8Array, at: number, group: number): number {
  const byte = bytes[at + (group & 7)] as number;
  const low = group < 8 ? byte & 15 : byte >> 4;
  const high = ((bytes[at + 8 + (group & 3)] as number) >> (2 * (group >> 2))) & 3;
  return low | (high << 4);
}

/** f16 d, f16 for the offsets, 12 bytes of both for 8 groups, 128 bytes of two values each. */
export const Q4_K = blockKind('Q4_K', VALUES, 144, (bytes, at, values, to) => {
  for (let group = 0; group < 8; group++) {
    const { scale, offset } = groupScales(bytes, at, group);
    const from = at + 16 + GROUP * (group >> 1);
    const shift = 4 * (group & 1);
    for (let i = 0; i < GROUP; i++) {
      const value = ((bytes[from + i] as number) >> shift) & 15;
      values[to + GROUP * group + i] = scale * value - offset;
    }
  }
});

/** As Q4_K, with 32 bytes of fifth bits before the values: bit g of each byte belongs to group g. */
export const Q5_K = blockKind('Q5_K', VALUES, 176, (bytes, at, values, to) => {
  for (let group = 0; group < 8; group++) {
    const { scale, offset } = groupScales(bytes, at, group);
    const from = at + 48 + GROUP * (group >> 1);
    const shift = 4 * (group & 1);
    for (let i = 0; i < GROUP; i++) {
      const high = ((bytes[at + 16 + i] as number) >> group) & 1;
      const value = (((bytes[from + i] as number) >> shift) & 15) | (high << 4);
      values[to + GROUP * group + i] = scale * value - offset;
    }
  }
});

/** Scale and offset of one of 8 groups, six bits each in 12 bytes after the two f16 at `at`. */
function groupScales(bytes: Uint8Array, at: number, group: number): { scale: number; offset: number } {
  const byte = (index: number): number => bytes[at + 4 + index] as number;
  const isFirst = group < 4;
  const scale = isFirst ? byte(group) & 63 : (byte(group + 4) & 15) | ((byte(group - 4) >> 6) << 4);
  const offset = isFirst ? byte(group + 4) & 63 : (byte(group + 4) >> 4) | ((byte(group) >> 6) << 4);
  return { scale: halfAt(bytes, at) * scale, offset: halfAt(bytes, at + 2) * offset };
}

/** 128 bytes of four lower bits, 64 of two upper ones, 16 scales with a sign, f16 d. */
export const Q6_K = blockKind('Q6_K', VALUES, 210, (bytes, at, values, to) => {
  const d = halfAt(bytes, at + 208);
  for (let i = 0; i < VALUES; i++) {
    const [half, within] = [i >> 7, i & 127];
    const low = ((bytes[at + 64 * half + (within & 63)] as number) >> (within < 64 ? 0 : 4)) & 15;
    const high = ((bytes[at + 128 + GROUP * half + (within & 31)] as number) >> (2 * (within >> 5))) & 3;
    const scale = ((bytes[at + 192 + (i >> 4)] as number) << 24) >> 24;
    values[to + i] = d * scale * ((low | (high << 4)) - 32);
  }
});
