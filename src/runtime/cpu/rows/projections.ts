/**
 * What a block projects its rows to for attention, as plain arrays before anything is rounded.
 */
import { viewRows } from './arrays.js';

/** Queries [rows, heads·D], keys and values [rows, kvHeads·D], f32. */
export type Projections = {
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
};

/** Rows [from, to) of `count`, as views. */
export function viewProjections(
  { queries, keys, values }: Projections,
  count: number,
  from: number,
  to: number,
): Projections {
  return {
    queries: viewRows(queries, count, from, to),
    keys: viewRows(keys, count, from, to),
    values: viewRows(values, count, from, to),
  };
}
