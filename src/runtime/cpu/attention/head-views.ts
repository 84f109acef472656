/**
 * Cached rows as the graphs that work head by head take them.
 */
import type { ModelShape } from '../../../core/shape.js';
import { elements, type Feeds } from '../../sessions/kernels.js';
import type { CpuKvCache } from '../cache/cpu-kv-cache.js';

/** Rows [0, tokens) of every KV head as k{head} and v{head}, without a copy. */
export function headViews(shape: ModelShape, cache: CpuKvCache, layer: number, tokens: number): Feeds {
  const feeds: Feeds = {};
  for (let head = 0; head < shape.kvHeads; head++) {
    const { keys, values } = cache.head(layer, head, tokens);
    feeds[`k${head}`] = elements(keys, [tokens, shape.headDim]);
    feeds[`v${head}`] = elements(values, [tokens, shape.headDim]);
  }
  return feeds;
}
