/**
 * Slice attention by plain products on the cache in place: model/onnx/merged-attention.ts.
 */
import { chunkSizes } from '../../core/chunk-lengths.js';
import type { ModelShape } from '../../core/shape.js';
import { elements, type Feeds, floats, int64, result, type Session } from '../kernels.js';
import type { KvCache } from '../kv-cache.js';
import { causalMask, countRows, type SliceRows } from './slice-rows.js';

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

/** Lengths of the calls that rows are taken through. */
export function mergedCallSizes(shape: ModelShape, start: number, rows: SliceRows): number[] {
  const count = countRows(shape, rows);
  const most = shape.heads === shape.kvHeads ? CALL_ROWS : SHARED_CALL_ROWS;
  const fitting = Math.floor(MAX_SCORES / (start + count));
  const stacked = Math.max(MIN_CALL_ROWS, Math.min(most, fitting));
  return chunkSizes(count, Math.max(1, Math.floor((stacked * shape.kvHeads) / shape.heads)));
}

/** One call: rows at positions [start, …); the cache holds rows [0, start) and the call's own → [rows, heads·D]. */
export async function attendMerged(
  session: Session,
  shape: ModelShape,
  at: { readonly cache: KvCache; readonly layer: number; readonly start: number },
  rows: SliceRows,
): Promise<Float32Array> {
  const count = countRows(shape, rows);
  const group = shape.heads / shape.kvHeads;
  const feeds = {
    ...headFeeds(shape, at, rows.queries, count),
    mask: floats(causalMask(count, 0, count), [count, count]),
    place: int64(new BigInt64Array(group * count), [1, group * count, 1]),
    grouped: int64(BigInt64Array.from([group, count, count], BigInt), [3]),
    stacked: int64(BigInt64Array.from([1, group * count, count], BigInt), [3]),
  };
  return byRow(shape, count, result(await session.run(feeds), 'attended'));
}

function headFeeds(
  shape: ModelShape,
  { cache, layer, start }: { readonly cache: KvCache; readonly layer: number; readonly start: number },
  queries: Float32Array,
  count: number,
): Feeds {
  const { kvHeads, headDim } = shape;
  const stackedRows = (shape.heads / kvHeads) * count;
  const byHead = headMajor(shape, count, queries);
  const feeds: Feeds = {};
  for (let head = 0; head < kvHeads; head++) {
    const query = byHead.subarray(head * stackedRows * headDim, (head + 1) * stackedRows * headDim);
    feeds[`q${head}`] = floats(query, [1, stackedRows, headDim]);
    const prefix = cache.afterZeros(layer, head, start);
    feeds[`k${head}`] = elements(prefix.keys, [start + 1, headDim]);
    feeds[`v${head}`] = elements(prefix.values, [start + 1, headDim]);
    const own = cache.head(layer, head, start + count);
    feeds[`ownK${head}`] = elements(own.keys.subarray(start * headDim), [count, headDim]);
    feeds[`ownV${head}`] = elements(own.values.subarray(start * headDim), [count, headDim]);
  }
  return feeds;
}

/** [rows, heads, D] → [heads, rows, D] */
function headMajor({ heads, headDim }: ModelShape, rows: number, source: Float32Array): Float32Array {
  return swapAxes(source, rows, heads, headDim);
}

/** [heads, rows, D] → [rows, heads, D] */
function byRow({ heads, headDim }: ModelShape, rows: number, source: Float32Array): Float32Array {
  return swapAxes(source, heads, rows, headDim);
}

/** [a, b, width] → [b, a, width] */
function swapAxes(source: Float32Array, a: number, b: number, width: number): Float32Array {
  const target = new Float32Array(source.length);
  for (let i = 0, from = 0; i < a; i++)
    for (let j = 0; j < b; j++, from += width)
      target.set(source.subarray(from, from + width), (j * a + i) * width);
  return target;
}
