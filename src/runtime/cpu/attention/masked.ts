/**
 * Attention over a range of cached rows, masked afterwards: the baseline's over the whole context, and that of rows which see
 * a window only.
 */
import { type Feeds, floats, int64, result, type Session } from '../../sessions/kernels.js';
import { PIECE_TOKENS } from '../cache/sum-pieces.js';
import { firstSeen, MASKED_ROWS } from '../../../core/kv-rows.js';
import type { AttentionShape } from './attention-shape.js';
import { distanceFeeds } from './distance-bias.js';
import { seenMask } from './masks.js';
import { headViews } from './head-views.js';
import type { LayerInCache } from './layer-in-cache.js';

/**
 * Rows of a call at most, no more than a cache has behind its last one, and floats that its scores (group·rows·tokens) may take: see merged-calls.ts.
 */
const CALL_ROWS = Math.min(PIECE_TOKENS, MASKED_ROWS);
const MAX_SCORES = 7e6;

type MaskedCall = LayerInCache & {
  /** The position of the first query. */
  readonly start: number;
  /** Cached rows [from, to) that are multiplied. */
  readonly from: number;
  readonly to: number;
};

/** A baseline as fast as we can make it: rows at positions [start, …) over the whole context → [rows, heads·D]. */
export async function attendDense(
  session: Session,
  shape: AttentionShape,
  at: LayerInCache & { readonly start: number; readonly contextTokens: number },
  queries: Float32Array,
): Promise<Float32Array> {
  const width = shape.heads * shape.headDim;
  const rows = queries.length / width;
  const attended = new Float32Array(queries.length);
  const callRows = callRowsOf(shape, at.contextTokens);
  for (let row = 0; row < rows; row += callRows) {
    const part = queries.subarray(row * width, Math.min(rows, row + callRows) * width);
    const call = { ...at, start: at.start + row, from: 0, to: at.contextTokens };
    attended.set(await attendMasked(session, shape, call, part), row * width);
  }
  return attended;
}

/** With 71 query heads to a KV head, 128 rows would be 0.6 GB of scores at 16k. */
function callRowsOf({ heads, kvHeads }: AttentionShape, tokens: number): number {
  return Math.max(1, Math.min(CALL_ROWS, Math.floor((MAX_SCORES * kvHeads) / (heads * tokens))));
}

/**
 * Lengths of the calls that rows [start, end) with a window are taken through. Tiles lie at fixed positions and a call ends
 * where its tile does: a row is multiplied with the same rows, from the first that its tile sees to the tile's last, wherever
 * a slice begins.
 */
export function windowCallSizes(shape: AttentionShape, start: number, end: number): number[] {
  const tile = windowTileRows(shape);
  const sizes: number[] = [];
  for (let from = start; from < end; from += sizes.at(-1) as number)
    sizes.push(Math.min(end, tile * Math.floor(from / tile) + tile) - from);
  return sizes;
}

function windowTileRows(shape: AttentionShape): number {
  return callRowsOf(shape, CALL_ROWS + (shape.windowTokens ?? 0));
}

/** One call: rows at positions [start, …) of one tile, which see their window → [rows, heads·D]. */
export async function attendWindow(
  session: Session,
  shape: AttentionShape,
  at: LayerInCache & { readonly start: number },
  given: Float32Array,
): Promise<Float32Array> {
  const width = shape.heads * shape.headDim;
  const queries = given.length === width ? twice(given) : given;
  const tile = windowTileRows(shape);
  const first = tile * Math.floor(at.start / tile);
  // The tile's later rows, or what lies there, are masked: sums over as many rows have the same order wherever a call ends.
  const call = { ...at, from: firstSeen(shape, first), to: first + tile };
  return (await attendMasked(session, shape, call, queries)).subarray(0, given.length);
}

/** Products with a row alone have kernels of their own, which add up in another order. */
function twice(row: Float32Array): Float32Array {
  const both = new Float32Array(2 * row.length);
  both.set(row);
  both.set(row, row.length);
  return both;
}

async function attendMasked(
  session: Session,
  shape: AttentionShape,
  { cache, layer, sinks, start, from, to }: MaskedCall,
  queries: Float32Array,
): Promise<Float32Array> {
  const { heads, kvHeads, headDim } = shape;
  const rows = queries.length / (heads * headDim);
  const group = heads / kvHeads;
  const tokens = to - from;
  const feeds: Feeds = {
    ...sinks,
    ...headViews(shape, { cache, layer }, from, to),
    ...distanceFeeds(shape, { from, to, origin: to - 1 }, 0),
    queries: floats(queries, [1, rows, heads * headDim]),
    mask: floats(seenMask(rows, start - from, tokens, shape.windowTokens), [rows, tokens]),
    unfolded: int64(BigInt64Array.from([group, rows, tokens], BigInt), [3]),
    folded: int64(BigInt64Array.from([1, group * rows, tokens], BigInt), [3]),
  };
  return result(await session.run(feeds), 'attended');
}
