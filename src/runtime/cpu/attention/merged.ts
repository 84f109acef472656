/**
 * Slice attention by plain products on the cache in place: merged-graph.ts says how the parts are merged.
 */
import type { AttentionShape } from './attention-shape.js';
import type { LayerInCache } from './layer-in-cache.js';
import { type Feeds, floats, int64, result, type Session } from '../../sessions/kernels.js';
import type { CpuKvCache } from '../cache/cpu-kv-cache.js';
import { distanceFeeds } from './distance-bias.js';
import { feedRows } from './head-views.js';
import { causalMask } from './masks.js';
import { tileStart } from './merged-calls.js';

/**
 * One call: queries [rows, heads·D] at positions [start, …) of one tile; the cache holds rows [0, start) and the call's own
 * → [rows, heads·D]. What comes before the tile needs no mask; the tile's rows up to the call's last do.
 */
export async function attendMerged(
  session: Session,
  shape: AttentionShape,
  at: LayerInCache & { readonly start: number },
  given: Float32Array,
): Promise<Float32Array> {
  const first = tileStart(shape, at.start);
  const own = at.start + given.length / (shape.heads * shape.headDim) - first;
  const group = shape.heads / shape.kvHeads;
  const queries = atLeastTwo(shape, given);
  const count = queries.length / (shape.heads * shape.headDim);
  const feeds = {
    ...at.sinks,
    ...headFeeds(shape, { ...at, first, own }, queries, count),
    // Before the prefix lies the row of zeros.
    ...distanceFeeds(shape, { from: -1, to: first, origin: first }, 0),
    ...distanceFeeds(shape, { from: first, to: first + own, origin: first }, 0, (head) => `ownBias${head}`),
    mask: floats(causalMask(count, at.start - first, own), [count, own]),
    slot: int64(new BigInt64Array(group * count), [1, group * count, 1]),
    grouped: int64(BigInt64Array.from([group, count, own], BigInt), [3]),
    stacked: int64(BigInt64Array.from([1, group * count, own], BigInt), [3]),
  };
  const attended = byRow(shape, count, result(await session.run(feeds), 'attended'));
  return attended.subarray(0, given.length);
}

/** Products with a row alone have kernels of their own, which add up in another order: such a row comes twice. */
function atLeastTwo({ heads, kvHeads, headDim }: AttentionShape, queries: Float32Array): Float32Array {
  if (heads !== kvHeads || queries.length > heads * headDim) return queries;
  const twice = new Float32Array(2 * queries.length);
  twice.set(queries);
  twice.set(queries, queries.length);
  return twice;
}

type TileInCache = {
  readonly cache: CpuKvCache;
  readonly layer: number;
  /** The tile's first row, and its rows up to the call's last. */
  readonly first: number;
  readonly own: number;
};

function headFeeds(
  shape: AttentionShape,
  { cache, layer, first, own }: TileInCache,
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
    const prefix = cache.afterZeros(layer, head, first);
    feedRows(feeds, `k${head}`, prefix, { of: 'keys', headDim });
    feedRows(feeds, `v${head}`, prefix, { of: 'values', headDim });
    const all = cache.rows(layer, head, first, first + own);
    feedRows(feeds, `ownK${head}`, all, { of: 'keys', headDim });
    feedRows(feeds, `ownV${head}`, all, { of: 'values', headDim });
  }
  return feeds;
}

/** [rows, heads, D] → [heads, rows, D] */
function headMajor({ heads, headDim }: AttentionShape, rows: number, source: Float32Array): Float32Array {
  return swapAxes(source, rows, heads, headDim);
}

/** [heads, rows, D] → [rows, heads, D] */
function byRow({ heads, headDim }: AttentionShape, rows: number, source: Float32Array): Float32Array {
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
