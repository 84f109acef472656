/**
 * Attention over a request's cache: of a slice's rows, of one row, and the baseline's over the whole context. Lives on a
 * compute thread, like the model it belongs to.
 */
import type { ModelShape } from '../../core/shape.js';
import { denseAttention, rowAttention, sliceAttention } from '../../model/onnx/attention.js';
import { mergedAttention } from '../../model/onnx/merged-attention.js';
import { encodeModel } from '../../model/onnx/proto.js';
import { floats, openSession, result, type Session } from '../kernels.js';
import type { KvCache } from '../kv-cache.js';
import { attendDense } from './dense.js';
import { attendGrouped, groupedCallSizes } from './grouped.js';
import { attendMerged, mergedCallSizes } from './merged.js';
import { headViews, type SliceRows, viewRows } from './slice-rows.js';

export class Attention {
  readonly #shape: ModelShape;
  readonly #threads: number;
  readonly #slice: Session;
  readonly #row: Session;
  /** Opened when the baseline first asks for it. */
  #dense: Session | undefined;

  private constructor(shape: ModelShape, threads: number, slice: Session, row: Session) {
    this.#shape = shape;
    this.#threads = threads;
    this.#slice = slice;
    this.#row = row;
  }

  /** @throws INTERNAL */
  static async open(shape: ModelShape, threads: number): Promise<Attention> {
    const slice = isMerged(shape) ? mergedAttention(shape) : sliceAttention(shape);
    return new Attention(
      shape,
      threads,
      await openSession(encodeModel(slice), { threads }),
      await openSession(encodeModel(rowAttention(shape)), { threads }),
    );
  }

  /**
   * Rows at positions [start, start + rows) after the cached rows [0, start) → [rows, heads·D]. The cache holds the rows'
   * own keys and values too.
   */
  async slice(cache: KvCache, layer: number, start: number, rows: SliceRows): Promise<Float32Array> {
    const shape = this.#shape;
    const attend = isMerged(shape) ? attendMerged : attendGrouped;
    const sizes = isMerged(shape)
      ? mergedCallSizes(shape, start, rows)
      : groupedCallSizes(shape, cache, start, rows);
    if (sizes.length === 1) return attend(this.#slice, shape, { cache, layer, start }, rows);
    const attended = new Float32Array(rows.queries.length);
    let row = 0;
    for (const size of sizes) {
      const part = viewRows(shape, rows, row, row + size);
      const at = { cache, layer, start: start + row };
      attended.set(await attend(this.#slice, shape, at, part), row * shape.heads * shape.headDim);
      row += size;
    }
    return attended;
  }

  /** One query row [heads·D] over the cached rows [0, tokens) → [heads·D]. */
  async row(cache: KvCache, layer: number, tokens: number, queries: Float32Array): Promise<Float32Array> {
    const { heads, kvHeads, headDim } = this.#shape;
    const feeds = {
      ...headViews(this.#shape, cache, layer, tokens),
      queries: floats(queries, [kvHeads, heads / kvHeads, headDim]),
    };
    return result(await this.#row.run(feeds), 'attended');
  }

  /** As slice, but over the whole context with the later part masked. */
  async dense(
    cache: KvCache,
    layer: number,
    start: number,
    contextTokens: number,
    rows: SliceRows,
  ): Promise<Float32Array> {
    this.#dense ??= await openSession(encodeModel(denseAttention(this.#shape)), { threads: this.#threads });
    return attendDense(this.#dense, this.#shape, { cache, layer, start, contextTokens }, rows);
  }

  async close(): Promise<void> {
    await this.#slice.close();
    await this.#row.close();
    await this.#dense?.close();
  }
}

/**
 * With a KV head for every query head, plain products are 1.2 to 1.5 times as fast as the grouped kernel, which copies all
 * keys and values before the rows in every call; with shared ones the two differ by a tenth at most (measured).
 */
function isMerged({ heads, kvHeads }: ModelShape): boolean {
  return heads === kvHeads;
}
