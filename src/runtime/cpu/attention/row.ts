/**
 * Attention of one query row over the cache in place. Over many cached rows, query heads that share keys are added up in
 * pieces of one length, so that the numbers do not depend on the number of threads.
 */
import type { KvDtype } from '../../../core/shape.js';
import type { Graph } from '../../../model/graph/proto.js';
import { type Feeds, floats, int64, result, type Session } from '../../sessions/kernels.js';
import { PIECE_TOKENS } from '../cache/sum-pieces.js';
import { firstSeen } from '../../../core/kv-rows.js';
import type { AttentionShape } from './attention-shape.js';
import { distanceFeeds } from './distance-bias.js';
import { feedRows, headViews } from './head-views.js';
import type { LayerInCache } from './layer-in-cache.js';
import { piecewiseRowAttention, rowAttention } from './row-graphs.js';

/**
 * Widest heads for which one row's attention does not depend on the number of threads: scores of wider ones are long sums
 * themselves, which kernels add up in pieces by the number of threads (measured: first differences at 65 tokens of 256).
 */
const MAX_STEADY_HEAD_DIM = 128;

export type RowKind = 'row' | 'piecewise-row';

/** Whether the numbers are the same, to the last digit, for any number of threads. */
export function isSteady({ headDim }: Pick<AttentionShape, 'headDim'>): boolean {
  return headDim <= MAX_STEADY_HEAD_DIM;
}

/** The graph that a row over so many cached rows needs. */
export function rowKind({ heads, kvHeads }: AttentionShape, tokens: number): RowKind {
  return heads > kvHeads && tokens > PIECE_TOKENS ? 'piecewise-row' : 'row';
}

export function rowGraph(kind: RowKind, shape: AttentionShape, kvDtype: KvDtype): Graph {
  return kind === 'row' ? rowAttention(shape, kvDtype) : piecewiseRowAttention(shape, kvDtype);
}

/** @param session of rowKind(shape, rows it sees). @param queries [heads·D] → [heads·D] */
export async function attendRow(
  session: Session,
  shape: AttentionShape,
  at: LayerInCache & { readonly tokens: number },
  queries: Float32Array,
): Promise<Float32Array> {
  const { heads, kvHeads, headDim } = shape;
  const from = firstSeen(shape, at.tokens - 1);
  const views = rowKind(shape, at.tokens - from) === 'row' ? headViews : pieceViews;
  const feeds = {
    ...at.sinks,
    ...views(shape, at, from, at.tokens),
    ...distanceFeeds(shape, { from, to: at.tokens, origin: at.tokens - 1 }, 1),
    queries: floats(queries, [kvHeads, heads / kvHeads, headDim]),
  };
  return result(await session.run(feeds), 'attended');
}

/** As headViews, with values in whole pieces and how many rows of them lie behind the last token. */
function pieceViews(
  { kvHeads, headDim }: AttentionShape,
  { cache, layer }: LayerInCache,
  from: number,
  to: number,
): Feeds {
  const tokens = to - from;
  const pieces = Math.ceil(tokens / PIECE_TOKENS);
  const behind = BigInt(pieces * PIECE_TOKENS - tokens);
  const feeds: Feeds = { pads: int64(BigInt64Array.of(0n, 0n, 0n, behind), [4]) };
  for (let head = 0; head < kvHeads; head++) {
    feedRows(feeds, `k${head}`, cache.rows(layer, head, from, to), { of: 'keys', headDim });
    const values = cache.rowPieces(layer, head, from, to);
    feedRows(feeds, `v${head}`, values, { of: 'values', headDim, pieceRows: PIECE_TOKENS });
  }
  return feeds;
}
