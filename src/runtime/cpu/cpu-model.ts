/**
 * A compiled model on the CPU: its blocks, its attention and its head as calls on plain arrays. Lives on a compute thread,
 * since every call blocks it.
 */
import { join } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { seededRandom } from '../../core/random.js';
import { type Dtype, type KvDtype, layerSpec, type ModelShape } from '../../core/shape.js';
import { type CompiledManifest, FILES, readManifest } from '../../model/compiled.js';
import type {
  BackendModel,
  BlockOptions,
  CacheOptions,
  ContinueOptions,
  Cores,
  MadeUpRows,
  OpenOptions,
  RowPositions,
  RowInCache,
  SliceInCache,
} from '../backend/backend.js';
import type { KvCache } from '../backend/kv-cache.js';
import type { AttendedRows, StateRows } from '../backend/rows.js';
import { type Feeds, floats, int64, type Outputs, result, type Session } from '../sessions/kernels.js';
import { evenRows, isPaired } from '../sessions/row-pairs.js';
import { AllCoreGraphs } from './all-core-graphs.js';
import { ModelAttention } from './attention/model-attention.js';
import { CpuCacheRows } from './cache/cpu-cache-rows.js';
import { CpuKvCache, cpuKvCache } from './cache/cpu-kv-cache.js';
import { KvMemory } from './cache/kv-memory.js';
import { KvRounding } from './cache/kv-rounding.js';
import { attendEach } from './attend-each.js';
import { Embedding } from './embedding.js';
import { type GraphName, ModelGraphs } from './model-graphs.js';
import {
  cpuAttendedRows,
  CpuAttendedRows,
  cpuStateRows,
  CpuStateRows,
  joinStateRows,
} from './rows/cpu-rows.js';
import { RotaryKinds } from './rows/rotary.js';

type ModelParts = {
  readonly graphs: ModelGraphs;
  readonly embedding: Embedding;
  readonly attention: ModelAttention;
  readonly allCores: AllCoreGraphs | undefined;
};

export class CpuModel implements BackendModel {
  readonly shape: ModelShape;
  readonly dtype: Dtype;
  readonly digest: string;
  readonly weightBytes: number;
  readonly allCores: AllCoreGraphs | undefined;
  readonly kvMemory = new KvMemory();
  readonly #embedding: Embedding;
  readonly #graphs: ModelGraphs;
  readonly #attention: ModelAttention;
  readonly #rotary: RotaryKinds;
  readonly #rounding: KvRounding;

  private constructor({ shape, dtype, digest, weightBytes }: CompiledManifest, parts: ModelParts) {
    this.shape = shape;
    this.dtype = dtype;
    this.digest = digest;
    this.weightBytes = weightBytes;
    this.allCores = parts.allCores;
    this.#graphs = parts.graphs;
    this.#embedding = parts.embedding;
    this.#attention = parts.attention;
    this.#rotary = new RotaryKinds(shape);
    this.#rounding = new KvRounding(shape);
  }

  /** Opens every graph of a compiled folder for `threads`. @throws BAD_CHECKPOINT, INTERNAL */
  static async open(folder: string, { threads, allCoreThreads = threads }: OpenOptions): Promise<CpuModel> {
    const manifest = await readManifest(folder);
    const { shape } = manifest;
    const embedding = await Embedding.open(join(folder, FILES.embedding), shape.hidden);
    const graphs = new ModelGraphs(folder, manifest, threads);
    while (!graphs.isComplete) await graphs.openNext();
    const attention = await ModelAttention.open(shape, threads, manifest.sinks);
    const allCores =
      allCoreThreads > threads ? new AllCoreGraphs(folder, manifest, allCoreThreads) : undefined;
    return new CpuModel(manifest, { graphs, embedding, attention, allCores });
  }

  async embed(ids: Int32Array, at: RowPositions): Promise<CpuStateRows> {
    const rotary = this.#rotary.tables(ids.length, at);
    return new CpuStateRows(ids.length, rotary, this.#embedding.rows(ids));
  }

  /** Rows of types whose kernels take them in pairs go through in even numbers; see row-pairs.ts. */
  async block(layer: number, rows: StateRows, options: BlockOptions = {}): Promise<CpuStateRows> {
    const { hidden, rotary, count } = cpuStateRows(rows);
    const { attended, keeps = 'all', cores = 'own' } = options;
    const isLast = layer === this.shape.layers - 1;
    const from = isLast && keeps === 'last' ? count - 1 : 0;
    const first = isPaired(this.dtype) ? from - (from % 2) : from;
    const even = (all: Float32Array): Float32Array => (isPaired(this.dtype) ? evenRows(all, count) : all);
    const input: Feeds = {
      hidden: threeDims(even(hidden), this.shape.hidden),
    };
    const table = rotary[this.#rotary.indexOf(layer) ?? -1];
    if (table) {
      const pairs = table.cos.length / count;
      input['cos'] = twoDims(even(table.cos), pairs);
      input['sin'] = twoDims(even(table.sin), pairs);
    }
    if (attended) input['attended'] = threeDims(even(cpuAttendedRows(attended).values), this.#queryWidth);
    if (isLast) input['from'] = int64(BigInt64Array.of(BigInt(first)), [1]);
    const outputs = await this.#session(layer, cores).run(input);
    return this.#stateRows(outputs, cpuStateRows(rows), { layer, from: from - first, kept: count - from });
  }

  /** @param kept rows of hidden states and queries, from row `from` of those that the graph gave */
  #stateRows(
    outputs: Outputs,
    { rotary, count }: CpuStateRows,
    { layer, from, kept }: { readonly layer: number; readonly from: number; readonly kept: number },
  ): CpuStateRows {
    const { hidden } = this.shape;
    const take = (name: string, width: number, start: number, rows: number): Float32Array =>
      result(outputs, name).subarray(start * width, (start + rows) * width);
    const projections = {
      queries: take('queries', this.#queryWidth, from, kept),
      keys: take('keys', this.#kvWidth, 0, count),
      values: take('values', this.#kvWidth, 0, count),
    };
    return new CpuStateRows(kept, rotary, take('next_hidden', hidden, from, kept), { layer, projections });
  }

  /**
   * Attention over an f16 or q8 cache reads own rows there too, rounded as everyone's, so they are not kept twice: none where the
   * cache has them, and those of a layer with a window, which may go there late, as they are rounded.
   */
  async takeKv(rows: StateRows, kvDtype: KvDtype): Promise<CpuCacheRows> {
    const own = cpuStateRows(rows);
    const kept = await this.#rounding.rows(own.projections, kvDtype);
    const isLocal = layerSpec(this.shape, Math.max(0, own.layer)).attention.windowTokens !== undefined;
    if (kvDtype !== 'f32') own.replaceKeysAndValues(isLocal ? kept : undefined);
    return new CpuCacheRows(kept, this.shape);
  }

  async attendSlice(rows: StateRows, { cache, layer, start }: SliceInCache): Promise<CpuAttendedRows> {
    const own = cpuStateRows(rows);
    const place = this.#attention.place(cpuKvCache(cache), own.layer, layer);
    const late = cache.takesRowsLate(layer) ? own.keysAndValues : undefined;
    const attended = await this.#attention.of(own.layer).slice(place, start, own.projections, late);
    return new CpuAttendedRows(rows.count, attended);
  }

  async attendDense(
    rows: StateRows,
    { cache, layer, start }: SliceInCache,
    contextTokens: number,
  ): Promise<CpuAttendedRows> {
    const own = cpuStateRows(rows);
    const place = this.#attention.place(cpuKvCache(cache), own.layer, layer);
    const { queries } = own.projections;
    const attended = await this.#attention.of(own.layer).dense(place, start, contextTokens, queries);
    return new CpuAttendedRows(rows.count, attended);
  }

  async attendRow(
    rows: StateRows,
    { cache, layer }: Omit<SliceInCache, 'start'>,
    tokens: number,
  ): Promise<CpuAttendedRows> {
    const own = cpuStateRows(rows);
    const place = this.#attention.place(cpuKvCache(cache), own.layer, layer);
    return new CpuAttendedRows(
      1,
      await this.#attention.of(own.layer).row(place, tokens, own.projections.queries),
    );
  }

  async attendEach(
    rows: StateRows,
    layer: number,
    sequences: readonly RowInCache[],
    cores: Cores = 'own',
  ): Promise<CpuAttendedRows> {
    const attention = (cores === 'all' && this.allCores?.rowAttention) || this.#attention;
    const { projections } = cpuStateRows(rows);
    const values = await attendEach(attention, this.#rounding, { projections, layer, sequences });
    return new CpuAttendedRows(rows.count, values);
  }

  async normed(rows: StateRows, attended: AttendedRows): Promise<Float32Array> {
    return (await this.#tail(rows, attended, 'own')).subarray(0, rows.count * this.shape.hidden);
  }

  async logits(rows: StateRows, attended: AttendedRows, cores: Cores = 'own'): Promise<Float32Array> {
    const { hidden, vocabulary } = this.shape;
    const normed = threeDims(await this.#tail(rows, attended, cores), hidden);
    const head = await this.#session('head', cores).run({ normed });
    return result(head, 'logits').subarray(0, rows.count * vocabulary);
  }

  /** @returns [count, hidden], or one row more: the head is quantised in every dtype but f32, and its kernels take rows in pairs */
  async #tail(rows: StateRows, attended: AttendedRows, cores: Cores): Promise<Float32Array> {
    const { hidden: states, count } = cpuStateRows(rows);
    const even = (all: Float32Array): Float32Array => (this.dtype === 'f32' ? all : evenRows(all, count));
    const tail = await this.#session('tail', cores).run({
      hidden: threeDims(even(states), this.shape.hidden),
      attended: threeDims(even(cpuAttendedRows(attended).values), this.#queryWidth),
    });
    return result(tail, 'normed');
  }

  async join(whole: StateRows, parts: readonly StateRows[]): Promise<CpuStateRows> {
    return joinStateRows(cpuStateRows(whole), parts.map(cpuStateRows));
  }

  async createCache(
    capacity: number,
    kvDtype: KvDtype,
    { layers = this.shape.layers, ...options }: CacheOptions = {},
  ): Promise<CpuKvCache> {
    const shape = { ...this.shape, layers };
    return new CpuKvCache(shape, capacity, kvDtype, { memory: this.kvMemory, ...options });
  }

  async continueCache(
    from: KvCache,
    tokens: number,
    capacity: number,
    options: ContinueOptions = {},
  ): Promise<CpuKvCache> {
    return CpuKvCache.continued(cpuKvCache(from), tokens, capacity, options);
  }

  async madeUpRows(count: number, layer: number): Promise<MadeUpRows> {
    const { hidden } = this.shape;
    const numbers = noise(count * Math.max(hidden, this.#queryWidth, this.#kvWidth));
    const take = (width: number): Float32Array => numbers.slice(0, count * width);
    const rotary = this.#rotary.tables(count, { positions: 0, promptTokens: count });
    const projections = {
      queries: take(this.#queryWidth),
      keys: take(this.#kvWidth),
      values: take(this.#kvWidth),
    };
    const states = new CpuStateRows(count, rotary, take(hidden), { layer, projections });
    return { states, attended: new CpuAttendedRows(count, take(this.#queryWidth)) };
  }

  async close(): Promise<void> {
    await this.#graphs.close();
    await this.allCores?.close();
    await this.#attention.close();
    await this.#rounding.close();
    await this.#embedding.close();
  }

  get #queryWidth(): number {
    return this.shape.heads * this.shape.headDim;
  }

  get #kvWidth(): number {
    return this.shape.kvHeads * this.shape.headDim;
  }

  #session(name: GraphName, cores: Cores): Session {
    const session = (cores === 'all' && this.allCores?.find(name)) || this.#graphs.find(name);
    if (!session) throw new KvrError('INTERNAL', `graph ${name} is not open`);
    return session;
  }
}

/** [rows, width] as the graphs' [1, rows, width]. */
function threeDims(all: Float32Array, width: number): Feeds[string] {
  return floats(all, [1, all.length / width, width]);
}

function twoDims(all: Float32Array, width: number): Feeds[string] {
  return floats(all, [all.length / width, width]);
}

/** A prime, so that no two rows of a usual width are alike. */
const NOISE_PERIOD = 4093;

/** Repeated, since to make as many numbers as a chunk has takes longer than the kernels that get them. */
function noise(length: number): Float32Array {
  const random = seededRandom(length);
  const few = Float32Array.from({ length: Math.min(length, NOISE_PERIOD) }, () => random() - 0.5);
  const all = new Float32Array(length);
  for (let start = 0; start < length; start += few.length) all.set(few.subarray(0, length - start), start);
  return all;
}
