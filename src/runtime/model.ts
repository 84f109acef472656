/**
 * A compiled model, opened: its blocks, its attention and its head as calls on plain arrays. Holds no request's
 * state; the rank loop strings the calls together. Lives on a compute thread, since every call blocks it.
 */
import { join } from 'node:path';
import { chunkSizes } from '../core/chunk-lengths.js';
import type { ModelShape } from '../core/shape.js';
import { type CompiledManifest, FILES, readManifest } from '../model/compiled.js';
import { denseAttention, rowAttention, sliceAttention } from '../model/onnx/attention.js';
import { encodeModel } from '../model/onnx/proto.js';
import {
  type Feeds,
  floats,
  int32,
  int64,
  openSession,
  type Session,
  type SessionOptions,
} from './kernels.js';
import { Embedding } from './embedding.js';
import type { KvCache } from './kv-cache.js';
import type { RotaryTable } from './rotary.js';

/** What a block hands on: hidden [rows, hidden], queries [rows, heads·D], keys and values [rows, kvHeads·D], f32. */
export type BlockOutput = {
  readonly hidden: Float32Array;
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
};

type SliceRows = Pick<BlockOutput, 'queries' | 'keys' | 'values'>;

/** What a block takes beside the rotary rows: the stream, and from layer 1 on the attention of the layer before. */
export type BlockInput = { readonly hidden: Float32Array; readonly attended?: Float32Array };

/**
 * Rows of one attention call. The kernel multiplies a call's rows with all of each other and masks afterwards, so short
 * calls waste less: 512 rows after 0 to 1,536, one thread, 231 ms in calls of 512, 207 in calls of 256, 207 in calls
 * of 128 (measured, the sum of four).
 */
const SLICE_ROWS = 256;
/**
 * But every call also clears room for the whole cache and copies the rows before it, of all KV heads. What a second call
 * saves grows with the query heads, so shorter calls pay up to this many rows of cache and prefix for each query head of a
 * KV head (worked out from 110 GFLOP/s and 8 GB/s, a core of the machine above).
 */
const COPIED_ROWS_PER_GROUP_HEAD = 2_000;
/** Rows of a dense attention call; its scores take group·rows·tokens floats. */
const DENSE_ROWS = 128;

export class Model {
  readonly manifest: CompiledManifest;
  readonly shape: ModelShape;
  readonly #embedding: Embedding;
  readonly #blocks: readonly Session[];
  readonly #tail: Session;
  readonly #head: Session;
  readonly #slice: Session;
  readonly #row: Session;
  readonly #threads: number;
  /** Opened when the baseline first asks for it. */
  #dense: Session | undefined;

  private constructor(
    manifest: CompiledManifest,
    embedding: Embedding,
    sessions: readonly Session[],
    threads: number,
  ) {
    this.#threads = threads;
    const [tail, head, slice, row, ...blocks] = sessions as [Session, Session, Session, Session];
    this.manifest = manifest;
    this.shape = manifest.shape;
    this.#embedding = embedding;
    this.#tail = tail;
    this.#head = head;
    this.#slice = slice;
    this.#row = row;
    this.#blocks = blocks;
  }

  /** Opens every graph of a compiled folder. @throws BAD_CHECKPOINT, INTERNAL */
  static async open(folder: string, threads: number): Promise<Model> {
    const manifest = await readManifest(folder);
    const { shape } = manifest;
    const packed = { threads, isPacked: true };
    const embedding = await Embedding.open(join(folder, FILES.embedding), shape.hidden);
    const sessions: Session[] = [];
    sessions.push(await openSession(join(folder, FILES.tail), packed));
    sessions.push(await openSession(join(folder, FILES.head), headOptions(manifest, threads)));
    for (const graph of [sliceAttention(shape), rowAttention(shape)]) {
      sessions.push(await openSession(encodeModel(graph), { threads }));
    }
    for (let layer = 0; layer < shape.layers; layer++) {
      sessions.push(await openSession(join(folder, FILES.block(layer)), packed));
    }
    return new Model(manifest, embedding, sessions, threads);
  }

  /** ids [rows] i32 → hidden [rows, hidden]. */
  async embed(ids: Int32Array): Promise<Float32Array> {
    return this.#embedding.rows(ids);
  }

  /** Block `layer` for rows whose positions the rotary rows stand for. On the last layer only rows [from, rows) keep hidden and queries. */
  async block(layer: number, input: BlockInput, rotary: RotaryTable, from: number): Promise<BlockOutput> {
    const { shape } = this;
    const rows = input.hidden.length / shape.hidden;
    const feeds: Feeds = {
      hidden: floats(input.hidden, [1, rows, shape.hidden]),
      cos: floats(rotary.cos, [rows, shape.headDim / 2]),
      sin: floats(rotary.sin, [rows, shape.headDim / 2]),
    };
    if (input.attended) feeds['attended'] = floats(input.attended, [1, rows, shape.heads * shape.headDim]);
    if (layer === shape.layers - 1) feeds['from'] = int64(BigInt64Array.of(BigInt(from)), [1]);
    const out = await (this.#blocks[layer] as Session).run(feeds);
    return {
      hidden: result(out, 'next_hidden'),
      queries: result(out, 'queries'),
      keys: result(out, 'keys'),
      values: result(out, 'values'),
    };
  }

  /**
   * Attention of a chunk at positions [start, start + rows) after the cached rows [0, start) → [rows, heads·D]. The
   * cache holds the chunk's own rows too where there are more than SLICE_ROWS of them.
   */
  async attendSlice(cache: KvCache, layer: number, start: number, chunk: BlockOutput): Promise<Float32Array> {
    const { heads, kvHeads, headDim } = this.shape;
    const rows = chunk.queries.length / (heads * headDim);
    const paysOff = cache.capacity + start <= (COPIED_ROWS_PER_GROUP_HEAD * heads) / kvHeads;
    const sizes = chunkSizes(rows, paysOff ? SLICE_ROWS : rows);
    if (sizes.length === 1) return this.#attendRows(cache, layer, start, chunk);
    const attended = new Float32Array(chunk.queries.length);
    let row = 0;
    for (const size of sizes) {
      const of = (all: Float32Array, width: number): Float32Array =>
        all.subarray(row * width, (row + size) * width);
      const part = {
        queries: of(chunk.queries, heads * headDim),
        keys: of(chunk.keys, kvHeads * headDim),
        values: of(chunk.values, kvHeads * headDim),
      };
      attended.set(await this.#attendRows(cache, layer, start + row, part), row * heads * headDim);
      row += size;
    }
    return attended;
  }

  async #attendRows(cache: KvCache, layer: number, start: number, rows: SliceRows): Promise<Float32Array> {
    const { heads, kvHeads, headDim } = this.shape;
    const count = rows.queries.length / (heads * headDim);
    const past = cache.layer(layer);
    const pastDims = [1, kvHeads, cache.capacity, headDim];
    const feeds = {
      queries: floats(rows.queries, [1, count, heads * headDim]),
      keys: floats(rows.keys, [1, count, kvHeads * headDim]),
      values: floats(rows.values, [1, count, kvHeads * headDim]),
      pastK: floats(past.keys, pastDims),
      pastV: floats(past.values, pastDims),
      last: int32(Int32Array.of(start + count - 1), [1]),
      total: int32(Int32Array.of(start + count), []),
    };
    return result(await this.#slice.run(feeds), 'attended');
  }

  /** Attention of one query row [heads·D] over the cached rows [0, tokens) → [heads·D]. */
  async attendRow(
    cache: KvCache,
    layer: number,
    tokens: number,
    queries: Float32Array,
  ): Promise<Float32Array> {
    const { heads, kvHeads, headDim } = this.shape;
    const feeds: Feeds = {
      ...headViews(this.shape, cache, layer, tokens),
      queries: floats(queries, [kvHeads, heads / kvHeads, headDim]),
    };
    return result(await this.#row.run(feeds), 'attended');
  }

  /** As attendSlice, but over the whole context with the later part masked; the cache holds the chunk's rows too. */
  async attendDense(
    cache: KvCache,
    layer: number,
    start: number,
    contextTokens: number,
    chunk: BlockOutput,
  ): Promise<Float32Array> {
    this.#dense ??= await openSession(encodeModel(denseAttention(this.shape)), { threads: this.#threads });
    const width = this.shape.heads * this.shape.headDim;
    const rows = chunk.queries.length / width;
    const attended = new Float32Array(chunk.queries.length);
    for (let row = 0; row < rows; row += DENSE_ROWS) {
      const end = Math.min(rows, row + DENSE_ROWS);
      const queries = chunk.queries.subarray(row * width, end * width);
      const feeds = this.#denseFeeds(cache, layer, start + row, contextTokens, queries);
      attended.set(result(await this.#dense.run(feeds), 'attended'), row * width);
    }
    return attended;
  }

  #denseFeeds(cache: KvCache, layer: number, start: number, tokens: number, queries: Float32Array): Feeds {
    const { heads, kvHeads, headDim } = this.shape;
    const rows = queries.length / (heads * headDim);
    const group = heads / kvHeads;
    return {
      ...headViews(this.shape, cache, layer, tokens),
      queries: floats(queries, [1, rows, heads * headDim]),
      mask: floats(causalMask(rows, start, tokens), [rows, tokens]),
      unfolded: int64(BigInt64Array.from([group, rows, tokens], BigInt), [3]),
      folded: int64(BigInt64Array.from([1, group * rows, tokens], BigInt), [3]),
    };
  }

  /** The stream and last attention of rows → logits [rows, vocabulary]. */
  async logits(hidden: Float32Array, attended: Float32Array): Promise<Float32Array> {
    const rows = hidden.length / this.shape.hidden;
    const dims = [1, rows, this.shape.hidden];
    const tail = await this.#tail.run({
      hidden: floats(hidden, dims),
      attended: floats(attended, [1, rows, attended.length / rows]),
    });
    const head = await this.#head.run({ normed: floats(result(tail, 'normed'), dims) });
    return result(head, 'logits');
  }

  async close(): Promise<void> {
    for (const session of [this.#tail, this.#head, this.#slice, this.#row, ...this.#blocks]) {
      await session.close();
    }
    await this.#dense?.close();
    await this.#embedding.close();
  }
}

/** The f32 head lies as in the checkpoint; a quantised one is in blocks, whatever the rest is. */
function headOptions({ dtype }: CompiledManifest, threads: number): SessionOptions {
  return dtype === 'f32' ? { threads, keepsPlain: true } : { threads, isPacked: true };
}

/** Rows [0, tokens) of every KV head as k{head} and v{head}, without a copy. */
function headViews(shape: ModelShape, cache: KvCache, layer: number, tokens: number): Feeds {
  const feeds: Feeds = {};
  for (let head = 0; head < shape.kvHeads; head++) {
    const { keys, values } = cache.head(layer, head, tokens);
    feeds[`k${head}`] = floats(keys, [tokens, shape.headDim]);
    feeds[`v${head}`] = floats(values, [tokens, shape.headDim]);
  }
  return feeds;
}

/** [rows, tokens]: 0 where row start+r may look, -inf at later tokens. */
function causalMask(rows: number, start: number, tokens: number): Float32Array {
  const mask = new Float32Array(rows * tokens);
  for (let row = 0; row < rows; row++)
    mask.fill(-Infinity, row * tokens + start + row + 1, (row + 1) * tokens);
  return mask;
}

function result(outputs: Record<string, Float32Array>, name: string): Float32Array {
  const found = outputs[name];
  if (!found) throw new Error(`graph has no output ${name}`);
  return found;
}
