/**
 * Cached rows as the graphs that work head by head take them.
 */
import { elements, type Feeds } from '../../sessions/kernels.js';
import { scaleName } from '../cache/cache-graphs.js';
import type { HeadRows } from '../cache/cache-layer.js';
import type { CpuKvCache } from '../cache/cpu-kv-cache.js';
import type { AttentionShape } from './attention-shape.js';

/** Rows [from, to) of every KV head as k{head} and v{head}, without a copy. */
export function headViews(
  { kvHeads, headDim }: AttentionShape,
  { cache, layer }: { readonly cache: CpuKvCache; readonly layer: number },
  from: number,
  to: number,
): Feeds {
  const feeds: Feeds = {};
  for (let head = 0; head < kvHeads; head++) {
    const rows = cache.rows(layer, head, from, to);
    feedRows(feeds, `k${head}`, rows, { of: 'keys', headDim });
    feedRows(feeds, `v${head}`, rows, { of: 'values', headDim });
  }
  return feeds;
}

type RowsInput = {
  readonly of: 'keys' | 'values';
  readonly headDim: number;
  /** Rows of a piece, where the graph takes rows in pieces. */
  readonly pieceRows?: number;
};

/** Keys or values of one head as an input of cacheInput, without a copy. */
export function feedRows(
  feeds: Feeds,
  name: string,
  rows: HeadRows,
  { of, headDim, pieceRows }: RowsInput,
): void {
  const count = rows[of].length / headDim;
  const scales = rows.scales?.[of];
  const isPieces = pieceRows !== undefined && !scales;
  feeds[name] = elements(rows[of], isPieces ? [count / pieceRows, pieceRows, headDim] : [count, headDim]);
  if (scales) feeds[scaleName(name)] = elements(scales, [count]);
}
