/**
 * The baseline's attention: every row over the whole context, masked afterwards.
 */
import type { ModelShape } from '../../../core/shape.js';
import { type Feeds, floats, int64, result, type Session } from '../../sessions/kernels.js';
import type { CpuKvCache } from '../cache/cpu-kv-cache.js';
import { causalMask } from './causal-mask.js';
import { headViews } from './head-views.js';

/** Rows of a call at most, and floats that its scores (group·rows·tokens) may take: see merged.ts. */
const CALL_ROWS = 128;
const MAX_SCORES = 7e6;

type DenseCall = {
  readonly cache: CpuKvCache;
  readonly layer: number;
  readonly start: number;
  readonly contextTokens: number;
};

/** Rows at positions [start, …); the cache holds the whole context → [rows, heads·D]. */
export async function attendDense(
  session: Session,
  shape: ModelShape,
  call: DenseCall,
  queries: Float32Array,
): Promise<Float32Array> {
  const width = shape.heads * shape.headDim;
  const rows = queries.length / width;
  const attended = new Float32Array(queries.length);
  const callRows = callRowsOf(shape, call.contextTokens);
  for (let row = 0; row < rows; row += callRows) {
    const part = queries.subarray(row * width, Math.min(rows, row + callRows) * width);
    const feeds = denseFeeds(shape, { ...call, start: call.start + row }, part);
    attended.set(result(await session.run(feeds), 'attended'), row * width);
  }
  return attended;
}

/** A baseline as fast as we can make it: with 71 query heads to a KV head, 128 rows would be 0.6 GB of scores at 16k. */
function callRowsOf({ heads, kvHeads }: ModelShape, tokens: number): number {
  return Math.max(1, Math.min(CALL_ROWS, Math.floor((MAX_SCORES * kvHeads) / (heads * tokens))));
}

function denseFeeds(shape: ModelShape, call: DenseCall, queries: Float32Array): Feeds {
  const { heads, kvHeads, headDim } = shape;
  const { cache, layer, start, contextTokens } = call;
  const rows = queries.length / (heads * headDim);
  const group = heads / kvHeads;
  return {
    ...headViews(shape, cache, layer, contextTokens),
    queries: floats(queries, [1, rows, heads * headDim]),
    mask: floats(causalMask(rows, start, contextTokens), [rows, contextTokens]),
    unfolded: int64(BigInt64Array.from([group, rows, contextTokens], BigInt), [3]),
    folded: int64(BigInt64Array.from([1, group * rows, contextTokens], BigInt), [3]),
  };
}
