/**
 * Kinds of 32 values a block, d·q + m with q from 0 up.
 */
import { fiveBitsAt } from './integer-kinds.js';
import { blockKind, halfAt } from './weight-kind.js';

const VALUES = 32;
const HALF = VALUES / 2;

/** f16 d, f16 m, then the low halves of 16 bytes are the first 16 values, the high halves the others. */
export const Q4_1 = blockKind('Q4_1', VALUES, 20, (bytes, at, values, to) => {
  const d = halfAt(bytes, at);
  const m = halfAt(bytes, at + 2);
  for (let i = 0; i < HALF; i++) {
    const byte = bytes[at + 4 + i] as number;
    values[to + i] = d * (byte & 15) + m;
    values[to + HALF + i] = d * (byte >> 4) + m;
  }
});

/** f16 d, f16 m, 32 fifth bits, then the other four of each value. */
export const Q5_1 = blockKind('Q5_1', VALUES, 24, (bytes, at, values, to) => {
  const d = halfAt(bytes, at);
  const m = halfAt(bytes, at + 2);
  for (let i = 0; i < VALUES; i++) values[to + i] = d * fiveBitsAt(bytes, at + 4, i) + m;
});
