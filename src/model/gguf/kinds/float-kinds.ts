/**
 * Weights that were not quantised.
 */
import { halfValues } from '../../checkpoint/element-types.js';
import { wordAt, type WeightKind } from './weight-kind.js';

export const F32: WeightKind = {
  name: 'F32',
  blockValues: 1,
  blockBytes: 4,
  decode: (bytes, values) => {
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength).set(bytes);
  },
};

export const F16: WeightKind = {
  name: 'F16',
  blockValues: 1,
  blockBytes: 2,
  decode: (bytes, values) => {
    const halves = halfValues();
    for (let i = 0; i < values.length; i++) values[i] = halves[wordAt(bytes, 2 * i)] as number;
  },
};

/** The upper half of an f32. */
export const BF16: WeightKind = {
  name: 'BF16',
  blockValues: 1,
  blockBytes: 2,
  decode: (bytes, values) => {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) bits[i] = wordAt(bytes, 2 * i) << 16;
  },
};
