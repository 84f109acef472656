/**
 * Cached rows as the graphs that work head by head take them.
 */
import { elements, type Feeds } from '../../sessions/kernels.js';
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
    const { keys, values } = cache.rows(layer, head, from, to);
    feeds[`k${head}`] = elements(keys, [to - from, headDim]);
    feeds[`v${head}`] = elements(values, [to - from, headDim]);
  }
  return feeds;
}
