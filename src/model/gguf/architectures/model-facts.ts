/**
 * What the derived parts of a config are made from: the architecture's metadata, and the tensors that there are.
 */
import * as limits from '../../family/config-limits.js';
import { broken } from '../header/broken.js';
import type { Metadata } from '../header/metadata.js';

export type ModelFacts = {
  /** general.architecture. */
  readonly architecture: string;
  readonly metadata: Metadata;
  /** A number of the architecture's own metadata, `key` without its name in front. @throws BAD_CHECKPOINT */
  readonly number: (key: string) => number | undefined;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly hidden: number;
  readonly hasTensor: (name: string) => boolean;
  /** Whole small vectors, read before a config is made: factors of rotary frequencies. */
  readonly vectors: ReadonlyMap<string, readonly number[]>;
};

/** Vectors that say what a config.json says. */
export const CONFIG_VECTORS = [
  'rope_freqs.weight',
  'rope_factors_long.weight',
  'rope_factors_short.weight',
] as const;

/** 0, 1, … for every layer. */
export function layerIndices(layers: number): number[] {
  return Array.from({ length: layers }, (_, layer) => layer);
}

/** @param architecture as the metadata name it. @throws BAD_CHECKPOINT for values of a wrong type */
export function modelFacts(
  metadata: Metadata,
  architecture: string,
  hasTensor: (name: string) => boolean,
  vectors: ReadonlyMap<string, readonly number[]>,
): ModelFacts {
  const number = (key: string): number | undefined => metadata.layerNumber(`${architecture}.${key}`);
  const size = (key: string, most: number, otherwise?: number): number =>
    checkedSize(metadata, `${architecture}.${key}`, number(key) ?? otherwise, most);
  const hidden = size('embedding_length', limits.MAX_HIDDEN);
  const heads = size('attention.head_count', limits.MAX_HEADS);
  return {
    architecture,
    metadata,
    number,
    layers: size('block_count', limits.MAX_LAYERS),
    heads,
    kvHeads: size('attention.head_count_kv', limits.MAX_HEADS, heads),
    headDim: size('attention.key_length', limits.MAX_HEAD_DIM, hidden / heads),
    hidden,
    hasTensor,
    vectors,
  };
}

/** Names are given to tensors by these numbers, so they are checked before. */
function checkedSize(metadata: Metadata, key: string, value: number | undefined, most: number): number {
  if (value !== undefined && Number.isInteger(value) && value >= 1 && value <= most) return value;
  const what = value === undefined ? 'missing' : String(value);
  throw broken(metadata.path, `metadata "${key}" is ${what}, it must be a whole number from 1 to ${most}`);
}
