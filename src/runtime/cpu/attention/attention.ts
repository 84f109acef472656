/**
 * Attention of one kind of layer over a request's cache: of a slice's rows, of one row, and the baseline's over the whole
 * context. Picks the kernel for the layer and the cache; each is a pair of files, its calls and its graph. Lives on a compute
 * thread.
 */
import type { KvDtype } from '../../../core/shape.js';
import { encodeModel, type Graph } from '../../../model/graph/proto.js';
import { openSession, type Session } from '../../sessions/kernels.js';
import type { KeysAndValues } from '../cache/cpu-cache-rows.js';
import { viewKeysAndValues } from '../rows/arrays.js';
import { type Projections, viewProjections } from '../rows/projections.js';
import { firstSeen } from '../../../core/kv-rows.js';
import type { AttentionShape } from './attention-shape.js';
import { attendGrouped, groupedCallSizes } from './grouped.js';
import { groupedAttention } from './grouped-graph.js';
import type { LayerInCache } from './layer-in-cache.js';
import { attendDense, attendWindow, windowCallSizes } from './masked.js';
import { maskedAttention } from './masked-graph.js';
import { mergedCallSizes } from './merged-calls.js';
import { attendMerged } from './merged.js';
import { mergedAttention } from './merged-graph.js';
import { attendRow, rowGraph, rowKind, type RowKind } from './row.js';

type Kind = 'slice' | 'masked' | RowKind;

/** Takes rows from position `start` on through one kernel. */
type SliceCall = (start: number, rows: Projections) => Promise<Float32Array>;

export class Attention {
  readonly #shape: AttentionShape;
  readonly #threads: number;
  readonly #sessions = new Map<string, Session>();

  /** Opens each graph when something first asks for it. */
  constructor(shape: AttentionShape, threads: number) {
    this.#shape = shape;
    this.#threads = threads;
  }

  /** Opens what every request of an f32 cache needs. @throws INTERNAL */
  async openCommon(): Promise<void> {
    await this.#session('slice', 'f32');
    await this.#session('row', 'f32');
  }

  /**
   * Rows at positions [start, start + rows) after the cached rows [0, start) → [rows, heads·D]. The cache holds the rows'
   * own keys and values too, or gets them now.
   * @param late the rows' keys and values in the cache's element type, where it takes them late
   */
  async slice(
    at: LayerInCache,
    start: number,
    projections: Projections,
    late?: KeysAndValues,
  ): Promise<Float32Array> {
    const { heads, headDim } = this.#shape;
    const width = heads * headDim;
    const count = projections.queries.length / width;
    const sizes = this.#callSizes(at, start, start + count);
    if (sizes.length === 1 && !late) return (await this.#sliceCall(at, start))(start, projections);
    const attended = new Float32Array(projections.queries.length);
    let row = 0;
    for (const size of sizes) {
      const part = viewProjections(projections, count, row, row + size);
      // A call reads no rows after its own, and the cache may have no room for more.
      if (late) at.cache.writeArrays(at.layer, start + row, viewKeysAndValues(late, count, row, row + size));
      const call = await this.#sliceCall(at, start + row);
      attended.set(await call(start + row, part), row * width);
      row += size;
    }
    return attended;
  }

  /** One query row [heads·D] over the cached rows [0, tokens) → [heads·D]. See isSteady in row.ts. */
  async row(at: LayerInCache, tokens: number, queries: Float32Array): Promise<Float32Array> {
    const seen = tokens - firstSeen(this.#shape, tokens - 1);
    const session = await this.#session(rowKind(this.#shape, seen), at.cache.kvDtype);
    return attendRow(session, this.#shape, { ...at, tokens }, queries);
  }

  /** As slice, but over the whole context with the later part masked. @param queries [rows, heads·D] */
  async dense(
    at: LayerInCache,
    start: number,
    contextTokens: number,
    queries: Float32Array,
  ): Promise<Float32Array> {
    const session = await this.#session('masked', at.cache.kvDtype);
    return attendDense(session, this.#shape, { ...at, start, contextTokens }, queries);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.close();
  }

  /** Rows that see all before them go through the kernels that need no mask for it. */
  #callSizes({ cache }: LayerInCache, start: number, end: number): number[] {
    const shape = this.#shape;
    const middle = Math.max(start, Math.min(end, shape.windowTokens ?? end));
    const whole = isMerged(shape, cache.kvDtype)
      ? mergedCallSizes(shape, start, middle)
      : groupedCallSizes(shape, cache, start, middle - start);
    return [...(middle > start ? whole : []), ...windowCallSizes(shape, middle, end)];
  }

  async #sliceCall(at: LayerInCache, start: number): Promise<SliceCall> {
    const shape = this.#shape;
    const { kvDtype } = at.cache;
    if (start >= (shape.windowTokens ?? Infinity)) {
      const masked = await this.#session('masked', kvDtype);
      return (from, { queries }) => attendWindow(masked, shape, { ...at, start: from }, queries);
    }
    const session = await this.#session('slice', kvDtype);
    return isMerged(shape, kvDtype)
      ? (from, { queries }) => attendMerged(session, shape, { ...at, start: from }, queries)
      : (from, rows) => attendGrouped(session, shape, { ...at, start: from }, rows);
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

function graphOf(kind: Kind, shape: AttentionShape, kvDtype: KvDtype): Graph {
  switch (kind) {
    case 'slice':
      return isMerged(shape, kvDtype) ? mergedAttention(shape, kvDtype) : groupedAttention(shape);
    case 'row':
    case 'piecewise-row':
      return rowGraph(kind, shape, kvDtype);
    case 'masked':
      return maskedAttention(shape, kvDtype);
  }
}

/** The grouped kernel takes heads of so many dimensions, or of a multiple. */
const GROUPED_DIMS = 8;

/**
 * With a KV head for every query head, plain products are 1.2 to 1.5 times as fast as the grouped kernel, which copies all
 * keys and values before the rows in every call; with shared ones the two differ by a tenth at most (measured). An f16
 * cache the grouped kernel does not take beside f32 queries, of int8 ones it knows only such with scales for all rows alike, and
 * it knows neither caps nor sinks as we have them, nor distances.
 */
function isMerged(
  { heads, kvHeads, headDim, scoreCap, hasSinks, alibiScale }: AttentionShape,
  kvDtype: KvDtype,
): boolean {
  const isPlain =
    scoreCap === undefined && !hasSinks && alibiScale === undefined && headDim % GROUPED_DIMS === 0;
  return heads === kvHeads || kvDtype !== 'f32' || !isPlain;
}
