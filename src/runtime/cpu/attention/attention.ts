/**
 * Attention over a request's cache: of a slice's rows, of one row, and the baseline's over the whole context. Picks the kind
 * for the model and the cache; each kind is a pair of files, its calls and its graph. Lives on a compute thread.
 */
import type { KvDtype, ModelShape } from '../../../core/shape.js';
import { encodeModel, type Graph } from '../../../model/graph/proto.js';
import { openSession, type Session } from '../../sessions/kernels.js';
import type { CpuKvCache } from '../cache/cpu-kv-cache.js';
import { type Projections, viewProjections } from '../rows/projections.js';
import { attendDense } from './dense.js';
import { denseAttention } from './dense-graph.js';
import { attendGrouped, groupedCallSizes } from './grouped.js';
import { groupedAttention } from './grouped-graph.js';
import { attendMerged } from './merged.js';
import { mergedCallSizes } from './merged-calls.js';
import { mergedAttention } from './merged-graph.js';
import { attendRow, rowGraph, type RowKind, rowKind } from './row.js';

type Kind = 'slice' | 'dense' | RowKind;

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
  async slice(
    cache: CpuKvCache,
    layer: number,
    start: number,
    projections: Projections,
  ): Promise<Float32Array> {
    const { heads, headDim } = this.#shape;
    const width = heads * headDim;
    const count = projections.queries.length / width;
    const sizes = this.#callSizes(cache, start, count);
    const call = await this.#sliceCall(cache, layer);
    if (sizes.length === 1) return call(start, projections);
    const attended = new Float32Array(projections.queries.length);
    let row = 0;
    for (const size of sizes) {
      const part = viewProjections(projections, count, row, row + size);
      attended.set(await call(start + row, part), row * width);
      row += size;
    }
    return attended;
  }

  /** One query row [heads·D] over the cached rows [0, tokens) → [heads·D]. See isSteady in row.ts. */
  async row(cache: CpuKvCache, layer: number, tokens: number, queries: Float32Array): Promise<Float32Array> {
    const session = await this.#session(rowKind(this.#shape, tokens), cache.kvDtype);
    return attendRow(session, this.#shape, { cache, layer, tokens }, queries);
  }

  /** As slice, but over the whole context with the later part masked. @param queries [rows, heads·D] */
  async dense(
    cache: CpuKvCache,
    layer: number,
    start: number,
    contextTokens: number,
    queries: Float32Array,
  ): Promise<Float32Array> {
    const session = await this.#session('dense', cache.kvDtype);
    return attendDense(session, this.#shape, { cache, layer, start, contextTokens }, queries);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.close();
  }

  #callSizes(cache: CpuKvCache, start: number, count: number): number[] {
    return isMerged(this.#shape, cache.kvDtype)
      ? mergedCallSizes(this.#shape, start, start + count)
      : groupedCallSizes(this.#shape, cache, start, count);
  }

  async #sliceCall(
    cache: CpuKvCache,
    layer: number,
  ): Promise<(start: number, rows: Projections) => Promise<Float32Array>> {
    const shape = this.#shape;
    const session = await this.#session('slice', cache.kvDtype);
    return isMerged(shape, cache.kvDtype)
      ? (start, { queries }) => attendMerged(session, shape, { cache, layer, start }, queries)
      : (start, rows) => attendGrouped(session, shape, { cache, layer, start }, rows);
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
      return isMerged(shape, kvDtype) ? mergedAttention(shape, kvDtype) : groupedAttention(shape);
    case 'row':
    case 'piecewise-row':
      return rowGraph(kind, shape, kvDtype);
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
