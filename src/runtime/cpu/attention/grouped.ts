/**
 * Slice attention by the runtime's own kernel for grouped query heads.
 */
import { chunkSizes } from '../../../core/chunks/chunk-lengths.js';
import type { AttentionShape } from './attention-shape.js';
import type { LayerInCache } from './layer-in-cache.js';
import { elements, floats, int32, result, type Session } from '../../sessions/kernels.js';
import type { CpuKvCache } from '../cache/cpu-kv-cache.js';
import { evenRows } from '../../sessions/row-pairs.js';
import type { Projections } from '../rows/projections.js';

/**
 * Rows of one call. The kernel multiplies a call's rows with all of each other and masks afterwards, so short
 * calls waste less: 512 rows after 0 to 1,536, one thread, 231 ms in calls of 512, 207 in calls of 256, 207 in calls
 * of 128 (measured, the sum of four).
 */
const CALL_ROWS = 256;
/**
 * But every call also clears room for the whole cache and copies the rows before it, of all KV heads. What a second call
 * saves grows with the query heads, so shorter calls pay up to this many rows of cache and prefix for each query head of a
 * KV head (worked out from 110 GFLOP/s and 8 GB/s, a core of the machine above).
 */
const COPIED_ROWS_PER_GROUP_HEAD = 2_000;

/** Lengths of the calls that rows are taken through: even, but for the last one where the rows are not. */
export function groupedCallSizes(
  shape: AttentionShape,
  cache: CpuKvCache,
  start: number,
  count: number,
): number[] {
  const paysOff = cache.capacity + start <= (COPIED_ROWS_PER_GROUP_HEAD * shape.heads) / shape.kvHeads;
  const pairs = Math.ceil(count / 2);
  const sizes = chunkSizes(pairs, paysOff ? CALL_ROWS / 2 : pairs).map((size) => 2 * size);
  return count % 2 === 0 ? sizes : [...sizes.slice(0, -1), (sizes.at(-1) ?? 0) - 1];
}

/** Where a call's rows stand: after the rows [0, start) of a layer. */
type CallInCache = LayerInCache & { readonly start: number };

/**
 * One call: rows at positions [start, …) after the cached rows [0, start) → [rows, heads·D]. The kernel takes rows in groups of
 * an even size of its own and adds up a row that is left over in another order; with even counts a row comes out the
 * same to the last digit wherever a slice, chunk or call ends. So an odd call gets its last row twice, and the cache has room.
 */
export async function attendGrouped(
  session: Session,
  shape: AttentionShape,
  at: CallInCache,
  rows: Projections,
): Promise<Float32Array> {
  const count = rows.queries.length / (shape.heads * shape.headDim);
  const even = {
    queries: evenRows(rows.queries, count),
    keys: evenRows(rows.keys, count),
    values: evenRows(rows.values, count),
  };
  return (await callGrouped(session, shape, at, even)).subarray(0, rows.queries.length);
}

async function callGrouped(
  session: Session,
  shape: AttentionShape,
  { cache, layer, start }: CallInCache,
  rows: Projections,
): Promise<Float32Array> {
  const { heads, kvHeads, headDim } = shape;
  const count = rows.queries.length / (heads * headDim);
  const past = cache.layer(layer);
  const pastDims = [1, kvHeads, cache.strideRows(layer), headDim];
  const feeds = {
    queries: floats(rows.queries, [1, count, heads * headDim]),
    keys: floats(rows.keys, [1, count, kvHeads * headDim]),
    values: floats(rows.values, [1, count, kvHeads * headDim]),
    pastK: elements(past.keys, pastDims),
    pastV: elements(past.values, pastDims),
    last: int32(Int32Array.of(start + count - 1), [1]),
    total: int32(Int32Array.of(start + count), []),
  };
  return result(await session.run(feeds), 'attended');
}
