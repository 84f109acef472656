/**
 * Weights that were not quantised.
 */
import { halfValues } from '../../checkpoint/element-types.js';
import { asWords, type WeightKind } from './weight-kind.js';

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
    const words = asWords(bytes);
    for (let i = 0; i < words.length; i++) values[i] = halves[words[i] as number] as number;
  },
};

/** The upper half of an f32. */
export const BF16: WeightKind = {
  name: 'BF16',
  blockValues: 1,
  blockBytes: 2,
  decode: (bytes, values) => {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const words = asWords(bytes);
    for (let i = 0; i < words.length; i++) bits[i] = (words[i] as number) << 16;
  },
};
