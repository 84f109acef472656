/**
 * A compiled model, opened: its blocks, its attention and its head as calls on plain arrays. Holds no request's
 * state; the rank loop strings the calls together. Lives on a compute thread, since every call blocks it.
 */
import { join } from 'node:path';
import type { ModelShape } from '../../core/shape.js';
import { type CompiledManifest, FILES, readManifest } from '../../model/compiled.js';
import { KvrError } from '../../core/errors.js';
import { type Feeds, floats, int64, result, type Session } from '../sessions/kernels.js';
import { Attention } from './attention/attention.js';
import { Embedding } from './embedding.js';
import { KvRounding } from './cache/kv-rounding.js';
import { type GraphName, ModelGraphs } from './model-graphs.js';
import type { RotaryTable } from './rotary.js';
import { evenRows, isPaired } from '../sessions/row-pairs.js';

/** What a block hands on: hidden [rows, hidden], queries [rows, heads·D], keys and values [rows, kvHeads·D], f32. */
export type BlockOutput = {
  readonly hidden: Float32Array;
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
};

/** What a block takes beside the rotary rows: the stream, and from layer 1 on the attention of the layer before. */
export type BlockInput = { readonly hidden: Float32Array; readonly attended?: Float32Array };

type AllCoreGraphs = { readonly graphs: ModelGraphs; readonly attention: Attention };
type ModelParts = {
  readonly embedding: Embedding;
  readonly attention: Attention;
  readonly allCores?: AllCoreGraphs;
};

export class Model {
  readonly manifest: CompiledManifest;
  readonly shape: ModelShape;
  readonly attention: Attention;
  readonly rounding = new KvRounding();
  readonly #embedding: Embedding;
  readonly #graphs: ModelGraphs;
  readonly #allCores: AllCoreGraphs | undefined;
  readonly #isPaired: boolean;

  private constructor(graphs: ModelGraphs, manifest: CompiledManifest, parts: ModelParts) {
    this.manifest = manifest;
    this.shape = manifest.shape;
    this.#isPaired = isPaired(manifest.dtype);
    this.#graphs = graphs;
    this.#embedding = parts.embedding;
    this.attention = parts.attention;
    this.#allCores = parts.allCores;
  }

  /**
   * Opens every graph of a compiled folder. With `allCoreThreads` above `threads` the same graphs can be opened for as many
   * as well, see widen.
   * @throws BAD_CHECKPOINT, INTERNAL
   */
  static async open(folder: string, threads: number, allCoreThreads = threads): Promise<Model> {
    const manifest = await readManifest(folder);
    const { shape } = manifest;
    const embedding = await Embedding.open(join(folder, FILES.embedding), shape.hidden);
    const graphs = new ModelGraphs(folder, manifest, threads);
    while (!graphs.isComplete) await graphs.openNext();
    const attention = await Attention.open(shape, threads);
    if (allCoreThreads <= threads) return new Model(graphs, manifest, { embedding, attention });
    const allCores = {
      graphs: new ModelGraphs(folder, manifest, allCoreThreads),
      attention: new Attention(shape, allCoreThreads),
    };
    return new Model(graphs, manifest, { embedding, attention, allCores });
  }

  /** True where nothing is left for widen to open. */
  get isOpenForAllCores(): boolean {
    return this.#allCores?.graphs.isComplete ?? true;
  }

  /**
   * Opens one more graph for the threads of all cores (about 25 ms for a block of TinyLlama's shape, measured). Its weights
   * are mapped a second time, from the same pages. @throws INTERNAL
   */
  async openNextForAllCores(): Promise<void> {
    await this.#allCores?.graphs.openNext();
  }

  /** For one row at a time, with the threads of all cores where that gives the same numbers. */
  get allCoreAttention(): Attention {
    return (this.attention.isSteady && this.#allCores?.attention) || this.attention;
  }

  /** ids [rows] i32 → hidden [rows, hidden]. */
  async embed(ids: Int32Array): Promise<Float32Array> {
    return this.#embedding.rows(ids);
  }

  /**
   * Block `layer` for rows whose positions the rotary rows stand for. On the last layer only rows [from, rows) keep hidden
   * and queries. @param onAllCores with the threads of all cores, as far as the graph is open for it: the same numbers
   */
  async block(
    layer: number,
    input: BlockInput,
    rotary: RotaryTable,
    from: number,
    onAllCores = false,
  ): Promise<BlockOutput> {
    const { hidden, headDim, heads, kvHeads, layers } = this.shape;
    const rows = input.hidden.length / hidden;
    const even = (all: Float32Array): Float32Array => (this.#isPaired ? evenRows(all, rows) : all);
    const count = rows + (this.#isPaired ? rows % 2 : 0);
    const first = this.#isPaired ? from - (from % 2) : from;
    const feeds: Feeds = {
      hidden: floats(even(input.hidden), [1, count, hidden]),
      cos: floats(even(rotary.cos), [count, headDim / 2]),
      sin: floats(even(rotary.sin), [count, headDim / 2]),
    };
    if (input.attended) feeds['attended'] = floats(even(input.attended), [1, count, heads * headDim]);
    const isLast = layer === layers - 1;
    if (isLast) feeds['from'] = int64(BigInt64Array.of(BigInt(first)), [1]);
    const out = await this.#session(layer, onAllCores).run(feeds);
    const [start, end] = isLast ? [from - first, rows - first] : [0, rows];
    return {
      hidden: result(out, 'next_hidden').subarray(start * hidden, end * hidden),
      queries: result(out, 'queries').subarray(start * heads * headDim, end * heads * headDim),
      keys: result(out, 'keys').subarray(0, rows * kvHeads * headDim),
      values: result(out, 'values').subarray(0, rows * kvHeads * headDim),
    };
  }

  /** The stream and last attention of rows → logits [rows, vocabulary]. @param onAllCores as for block */
  async logits(hidden: Float32Array, attended: Float32Array, onAllCores = false): Promise<Float32Array> {
    const { shape } = this;
    const rows = hidden.length / shape.hidden;
    // Of every dtype but f32 the head is in blocks.
    const even = (all: Float32Array): Float32Array =>
      this.manifest.dtype === 'f32' ? all : evenRows(all, rows);
    const stream = even(hidden);
    const dims = [1, stream.length / shape.hidden, shape.hidden];
    const tail = await this.#session('tail', onAllCores).run({
      hidden: floats(stream, dims),
      attended: floats(even(attended), [1, dims[1] as number, attended.length / rows]),
    });
    const head = await this.#session('head', onAllCores).run({
      normed: floats(result(tail, 'normed'), dims),
    });
    return result(head, 'logits').subarray(0, rows * shape.vocabulary);
  }

  #session(name: GraphName, onAllCores: boolean): Session {
    const session = (onAllCores && this.#allCores?.graphs.find(name)) || this.#graphs.find(name);
    if (!session) throw new KvrError('INTERNAL', `graph ${name} is not open`);
    return session;
  }

  async close(): Promise<void> {
    await this.#graphs.close();
    await this.#allCores?.graphs.close();
    await this.#allCores?.attention.close();
    await this.attention.close();
    await this.rounding.close();
    await this.#embedding.close();
  }
}
