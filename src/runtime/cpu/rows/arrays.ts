/**
 * Rows of plain arrays: views of some, and arrays put one behind another. Pure.
 */

import type { Elements } from '../../sessions/kernels.js';
import type { KeysAndValues } from '../cache/cpu-cache-rows.js';
import { arrayLike } from '../cache/element-arrays.js';

/** Rows [from, to) of [count, width], as a view; nothing stays nothing. */
export function viewRows<T extends Elements>(all: T, count: number, from: number, to: number): T {
  const width = all.length / count;
  return all.subarray(from * width, to * width) as T;
}

export function viewKeysAndValues(
  { keys, values }: KeysAndValues,
  count: number,
  from: number,
  to: number,
): KeysAndValues {
  return { keys: viewRows(keys, count, from, to), values: viewRows(values, count, from, to) };
}

/** @param parts at least one */
export function joinArrays<T extends Elements>(parts: readonly T[]): T {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = arrayLike(parts[0] as T, length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
