/**
 * Attention over a request's cache: of a slice's rows, of one row, and the baseline's over the whole context. Lives on a
 * compute thread, like the model it belongs to.
 */
import type { KvDtype, ModelShape } from '../../../core/shape.js';
import { denseAttention, rowAttention, rowBlocksAttention, sliceAttention } from './attention-graphs.js';
import { mergedAttention } from './merged-graph.js';
import { encodeModel, type Graph } from '../../../model/graph/proto.js';
import { floats, openSession, result, type Session } from '../../sessions/kernels.js';
import type { KvCache } from '../cache/kv-cache.js';
import { ROW_BLOCK_TOKENS } from '../cache/row-blocks.js';
import { attendDense } from './dense.js';
import { attendGrouped, groupedCallSizes } from './grouped.js';
import { attendMerged } from './merged.js';
import { mergedCallSizes } from './merged-calls.js';
import { blockViews, countRows, headViews, type SliceRows, viewRows } from './slice-rows.js';

/**
 * Widest heads for which one row's attention does not depend on the number of threads: scores of wider ones are long sums
 * themselves, which kernels add up in pieces by the number of threads (measured: first differences at 65 tokens of 256).
 */
const MAX_STEADY_HEAD_DIM = 128;

type Kind = 'slice' | 'row' | 'row-blocks' | 'dense';

export class Attention {
  readonly #shape: ModelShape;
  readonly #threads: number;
  readonly #sessions = new Map<string, Session>();

  /** Opens each graph when something first asks for it. */
  constructor(shape: ModelShape, threads: number) {
    this.#shape = shape;
    this.#threads = threads;
  }

  /** With what every request of an f32 cache needs open. @throws INTERNAL */
  static async open(shape: ModelShape, threads: number): Promise<Attention> {
    const attention = new Attention(shape, threads);
    await attention.#session('slice', 'f32');
    await attention.#session('row', 'f32');
    return attention;
  }

  /**
   * Rows at positions [start, start + rows) after the cached rows [0, start) → [rows, heads·D]. The cache holds the rows'
   * own keys and values too.
   */
  async slice(cache: KvCache, layer: number, start: number, rows: SliceRows): Promise<Float32Array> {
    const shape = this.#shape;
    const session = await this.#session('slice', cache.kvDtype);
    const merges = isMerged(shape, cache.kvDtype);
    const attend = merges ? attendMerged : attendGrouped;
    const sizes = merges
      ? mergedCallSizes(shape, start, start + countRows(shape, rows))
      : groupedCallSizes(shape, cache, start, rows);
    if (sizes.length === 1) return attend(session, shape, { cache, layer, start }, rows);
    const attended = new Float32Array(rows.queries.length);
    let row = 0;
    for (const size of sizes) {
      const part = viewRows(shape, rows, row, row + size);
      const at = { cache, layer, start: start + row };
      attended.set(await attend(session, shape, at, part), row * shape.heads * shape.headDim);
      row += size;
    }
    return attended;
  }

  /**
   * One query row [heads·D] over the cached rows [0, tokens) → [heads·D]. See isSteady.
   */
  async row(cache: KvCache, layer: number, tokens: number, queries: Float32Array): Promise<Float32Array> {
    const { heads, kvHeads, headDim } = this.#shape;
    const isLong = heads > kvHeads && tokens > ROW_BLOCK_TOKENS;
    const session = await this.#session(isLong ? 'row-blocks' : 'row', cache.kvDtype);
    const feeds = {
      ...(isLong ? blockViews : headViews)(this.#shape, cache, layer, tokens),
      queries: floats(queries, [kvHeads, heads / kvHeads, headDim]),
    };
    return result(await session.run(feeds), 'attended');
  }

  /** As slice, but over the whole context with the later part masked. */
  async dense(
    cache: KvCache,
    layer: number,
    start: number,
    contextTokens: number,
    rows: SliceRows,
  ): Promise<Float32Array> {
    const session = await this.#session('dense', cache.kvDtype);
    return attendDense(session, this.#shape, { cache, layer, start, contextTokens }, rows);
  }

  /** Whether `row` gives the same numbers, to the last digit, for any number of threads. */
  get isSteady(): boolean {
    return this.#shape.headDim <= MAX_STEADY_HEAD_DIM;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.close();
  }

  async #session(kind: Kind, kvDtype: KvDtype): Promise<Session> {
    const key = `${kind} ${kvDtype}`;
    const found = this.#sessions.get(key);
    if (found) return found;
    const graph = encodeModel(graphOf(kind, this.#shape, kvDtype));
    const session = await openSession(graph, { threads: this.#threads });
    this.#sessions.set(key, session);
    return session;
  }
}

function graphOf(kind: Kind, shape: ModelShape, kvDtype: KvDtype): Graph {
  switch (kind) {
    case 'slice':
      return isMerged(shape, kvDtype) ? mergedAttention(shape, kvDtype) : sliceAttention(shape);
    case 'row':
      return rowAttention(shape, kvDtype);
    case 'row-blocks':
      return rowBlocksAttention(shape, kvDtype);
    case 'dense':
      return denseAttention(shape, kvDtype);
  }
}

/**
 * With a KV head for every query head, plain products are 1.2 to 1.5 times as fast as the grouped kernel, which copies all
 * keys and values before the rows in every call; with shared ones the two differ by a tenth at most (measured). An f16
 * cache the grouped kernel does not take beside f32 queries.
 */
function isMerged({ heads, kvHeads }: ModelShape, kvDtype: KvDtype): boolean {
  return heads === kvHeads || kvDtype === 'f16';
}
