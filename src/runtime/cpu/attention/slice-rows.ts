/**
 * Rows of a chunk, of the cache, and what they may see, as attention's graphs take them.
 */
import type { ModelShape } from '../../../core/shape.js';
import { ROW_BLOCK_TOKENS } from '../cache/row-blocks.js';
import { elements, type Feeds, int64 } from '../../sessions/kernels.js';
import type { KvCache } from '../cache/kv-cache.js';

/** Queries [rows, heads·D], keys and values [rows, kvHeads·D] before they were rounded, f32; owned by the caller. */
export type SliceRows = {
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
};

export function countRows({ heads, headDim }: ModelShape, { queries }: SliceRows): number {
  return queries.length / (heads * headDim);
}

/** Rows [from, to), as views. */
export function viewRows(shape: ModelShape, rows: SliceRows, from: number, to: number): SliceRows {
  const { heads, kvHeads, headDim } = shape;
  const view = (all: Float32Array, width: number): Float32Array => all.subarray(from * width, to * width);
  return {
    queries: view(rows.queries, heads * headDim),
    keys: view(rows.keys, kvHeads * headDim),
    values: view(rows.values, kvHeads * headDim),
  };
}

/** -inf where row r may not look: [rows, tokens], row r stands at token start + r. */
export function causalMask(rows: number, start: number, tokens: number): Float32Array {
  const mask = new Float32Array(rows * tokens);
  for (let row = 0; row < rows; row++)
    mask.fill(-Infinity, row * tokens + start + row + 1, (row + 1) * tokens);
  return mask;
}

/** As headViews, with values in whole blocks and how many rows of them lie behind the last token. */
export function blockViews(shape: ModelShape, cache: KvCache, layer: number, tokens: number): Feeds {
  const blocks = Math.ceil(tokens / ROW_BLOCK_TOKENS);
  const behind = BigInt(blocks * ROW_BLOCK_TOKENS - tokens);
  const feeds: Feeds = { pads: int64(BigInt64Array.of(0n, 0n, 0n, behind), [4]) };
  for (let head = 0; head < shape.kvHeads; head++) {
    const values = cache.valueBlocks(layer, head, tokens);
    feeds[`k${head}`] = elements(cache.head(layer, head, tokens).keys, [tokens, shape.headDim]);
    feeds[`v${head}`] = elements(values, [blocks, ROW_BLOCK_TOKENS, shape.headDim]);
  }
  return feeds;
}

/** Rows [0, tokens) of every KV head as k{head} and v{head}, without a copy. */
export function headViews(shape: ModelShape, cache: KvCache, layer: number, tokens: number): Feeds {
  const feeds: Feeds = {};
  for (let head = 0; head < shape.kvHeads; head++) {
    const { keys, values } = cache.head(layer, head, tokens);
    feeds[`k${head}`] = elements(keys, [tokens, shape.headDim]);
    feeds[`v${head}`] = elements(values, [tokens, shape.headDim]);
  }
  return feeds;
}
