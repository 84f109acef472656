/**
 * What a kind of stored weights is: blocks of a fixed number of values in a fixed number of bytes, and how they are
 * read. Kinds whose values are integers times a scale give those too, so that they need not be rounded again.
 */
import { halfValues } from '../../checkpoint/element-types.js';

export type WeightKind = {
  /** As its makers write it: Q4_K, BF16. */
  readonly name: string;
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Whole blocks → values; `values` has blockValues for every blockBytes of `bytes`. */
  decode(bytes: Uint8Array, values: Float32Array): void;
  readonly integers?: IntegerReader;
};

/** Values as code·scale, a scale for every `blockSize` of them; codes have `bits` bits and a sign. */
export type IntegerReader = {
  readonly bits: 4 | 8;
  readonly blockSize: number;
  /** Whole blocks → codes, as many as there are values, and their scales. */
  decode(bytes: Uint8Array, codes: Int8Array, scales: Float32Array): void;
};

/** Reads the block at `at` into values from `to` on. */
export type BlockDecoder = (bytes: Uint8Array, at: number, values: Float32Array, to: number) => void;

export function blockKind(
  name: string,
  blockValues: number,
  blockBytes: number,
  decodeBlock: BlockDecoder,
): WeightKind {
  const decode = (bytes: Uint8Array, values: Float32Array): void => {
    for (let at = 0, to = 0; to < values.length; at += blockBytes, to += blockValues)
      decodeBlock(bytes, at, values, to);
  };
  return { name, blockValues, blockBytes, decode };
}

/** Reads the block at `at`: codes from `to` on, and scales from `to / blockSize` on. */
export type CodeDecoder = (
  bytes: Uint8Array,
  at: number,
  codes: Int8Array,
  to: number,
  scales: Float32Array,
) => void;

/** Values that share a scale in every kind of integers that is read here. */
export const SCALED_VALUES = 32;

/** A kind whose values are codes times scales. */
export function integerKind(
  name: string,
  { bits, blockValues, blockBytes }: { bits: 4 | 8; blockValues: number; blockBytes: number },
  decodeBlock: CodeDecoder,
): WeightKind {
  const decodeCodes = (bytes: Uint8Array, codes: Int8Array, scales: Float32Array): void => {
    for (let at = 0, to = 0; to < codes.length; at += blockBytes, to += blockValues)
      decodeBlock(bytes, at, codes, to, scales);
  };
  const decode = (bytes: Uint8Array, values: Float32Array): void => {
    const codes = new Int8Array(values.length);
    const scales = new Float32Array(values.length / SCALED_VALUES);
    decodeCodes(bytes, codes, scales);
    for (let block = 0; block < scales.length; block++) {
      const scale = scales[block] as number;
      const end = (block + 1) * SCALED_VALUES;
      for (let i = block * SCALED_VALUES; i < end; i++) values[i] = (codes[i] as number) * scale;
    }
  };
  const integers = { bits, blockSize: SCALED_VALUES, decode: decodeCodes };
  return { name, blockValues, blockBytes, decode, integers };
}

/** The f16 at `at`. */
export function halfAt(bytes: Uint8Array, at: number): number {
  return halfValues()[wordAt(bytes, at)] as number;
}

/** The u16 at `at`. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/** Pairs of bytes as numbers, without a copy where they lie at an even place. */
export function asWords(bytes: Uint8Array): Uint16Array {
  const even = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(even.buffer, even.byteOffset, bytes.length / 2);
}
