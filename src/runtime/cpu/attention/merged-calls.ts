/**
 * Which rows go through merged attention in one call. The context is divided into tiles at fixed positions, and a call
 * ends where its tile does: a row is then multiplied with its tile's rows and with what comes before the tile in the same
 * order, and gives the same numbers to the last digit, wherever a chunk begins. Pure.
 */
import type { ModelShape } from '../../../core/shape.js';

type Heads = Pick<ModelShape, 'heads' | 'kvHeads'>;

/**
 * Rows of one call, all query heads of a KV head together. 512 rows after 15,872 with 32 heads of 128: 1,040 ms in calls
 * of 256 and 1,167 in calls of 128 with one thread, 538 and 625 with two, where the grouped kernel takes 1,305 and 813
 * (measured, medians of 5).
 */
const CALL_ROWS = 256;
/**
 * Where heads share keys, a call's rows share what it reads of the cache. 512 rows after 2,048 in an f16 cache, calls of 256
 * and of 512, one thread: 71 heads on one of 64, 219 and 198 ms; 32 on 4, 98 and 97 (the grouped kernel on f32: 102 to 104).
 */
const SHARED_CALL_ROWS = 512;
/** Scores of a call, floats: under what the C library's heap gives back to the system after every call (malloc-env.ts). */
const MAX_SCORES = 7e6;
/** However long the prefix: shorter calls would go through it for too few rows. */
const MIN_CALL_ROWS = 32;

/** Lengths of the calls that rows [start, end) are taken through. */
export function mergedCallSizes(heads: Heads, start: number, end: number): number[] {
  const sizes: number[] = [];
  let next = tileStart(heads, start);
  for (let from = start; from < end; from = next) {
    next += tileTokens(heads, next);
    sizes.push(Math.min(next, end) - from);
  }
  return sizes;
}

/** The first row of the tile that a row belongs to. */
export function tileStart(heads: Heads, row: number): number {
  for (let start = 0; ;) {
    const next = start + tileTokens(heads, start);
    if (next > row) return start;
    start = next;
  }
}

/** Rows of the tile that begins at a row: fewer the more comes before. */
function tileTokens({ heads, kvHeads }: Heads, start: number): number {
  const most = heads === kvHeads ? CALL_ROWS : SHARED_CALL_ROWS;
  const fitting = Math.floor(MAX_SCORES / (start + most));
  const stacked = Math.max(MIN_CALL_ROWS, Math.min(most, fitting));
  return Math.max(1, Math.floor((stacked * kvHeads) / heads));
}
