/**
 * Kernels for weights of 8 or 4 bits (q8, q4) take rows in pairs; a row left over is added up in another order, and the
 * roundings of later layers make more of that last digit. With even counts a row comes out the same wherever it
 * stands: alone, in a batch, in any chunk. One row beside another costs nothing while weights are read from memory (block
 * of TinyLlama's shape, one thread: q8 1.97 ms for one row, 1.86 for two; q4 1.08 and 1.16).
 */
import type { Dtype } from '../../core/shape.js';

export function isPaired(dtype: Dtype): boolean {
  return dtype === 'q8' || dtype === 'q4';
}

/** All rows, with a twin of the last where they are odd. @param all [rows, width] */
export function evenRows(all: Float32Array, rows: number): Float32Array {
  return rows % 2 === 1 ? withTwin(all, rows) : all;
}

/** @param all [rows, width], rows odd @returns [rows + 1, width]: the last row stands there twice */
export function withTwin(all: Float32Array, rows: number): Float32Array {
  const width = all.length / rows;
  const even = new Float32Array(all.length + width);
  even.set(all);
  even.copyWithin(all.length, all.length - width, all.length);
  return even;
}
