/**
 * A compiled model, opened: its blocks, its attention and its head as calls on plain arrays. Holds no request's
 * state; the rank loop strings the calls together. Lives on a compute thread, since every call blocks it.
 */
import { join } from 'node:path';
import type { ModelShape } from '../core/shape.js';
import { type CompiledManifest, FILES, readManifest } from '../model/compiled.js';
import {
  type Feeds,
  floats,
  int64,
  openSession,
  result,
  type Session,
  type SessionOptions,
} from './kernels.js';
import { Attention } from './attention/index.js';
import { Embedding } from './embedding.js';
import { KvRounding } from './kv-rounding.js';
import type { RotaryTable } from './rotary.js';
import { isPaired, withTwin } from './row-pairs.js';

/** What a block hands on: hidden [rows, hidden], queries [rows, heads·D], keys and values [rows, kvHeads·D], f32. */
export type BlockOutput = {
  readonly hidden: Float32Array;
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
};

/** What a block takes beside the rotary rows: the stream, and from layer 1 on the attention of the layer before. */
export type BlockInput = { readonly hidden: Float32Array; readonly attended?: Float32Array };

export class Model {
  readonly manifest: CompiledManifest;
  readonly shape: ModelShape;
  readonly attention: Attention;
  readonly rounding = new KvRounding();
  readonly #embedding: Embedding;
  readonly #blocks: readonly Session[];
  readonly #tail: Session;
  readonly #head: Session;
  readonly #isPaired: boolean;

  private constructor(
    manifest: CompiledManifest,
    embedding: Embedding,
    attention: Attention,
    sessions: readonly Session[],
  ) {
    const [tail, head, ...blocks] = sessions as [Session, Session];
    this.manifest = manifest;
    this.#isPaired = isPaired(manifest.dtype);
    this.shape = manifest.shape;
    this.#embedding = embedding;
    this.attention = attention;
    this.#tail = tail;
    this.#head = head;
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
    for (let layer = 0; layer < shape.layers; layer++) {
      sessions.push(await openSession(join(folder, FILES.block(layer)), packed));
    }
    return new Model(manifest, embedding, await Attention.open(shape, threads), sessions);
  }

  /** ids [rows] i32 → hidden [rows, hidden]. */
  async embed(ids: Int32Array): Promise<Float32Array> {
    return this.#embedding.rows(ids);
  }

  /** Block `layer` for rows whose positions the rotary rows stand for. On the last layer only rows [from, rows) keep hidden and queries. */
  async block(layer: number, input: BlockInput, rotary: RotaryTable, from: number): Promise<BlockOutput> {
    const { hidden, headDim, heads, kvHeads, layers } = this.shape;
    const rows = input.hidden.length / hidden;
    const even = (all: Float32Array): Float32Array => this.#even(all, rows);
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
    const out = await (this.#blocks[layer] as Session).run(feeds);
    const [start, end] = isLast ? [from - first, rows - first] : [0, rows];
    return {
      hidden: result(out, 'next_hidden').subarray(start * hidden, end * hidden),
      queries: result(out, 'queries').subarray(start * heads * headDim, end * heads * headDim),
      keys: result(out, 'keys').subarray(0, rows * kvHeads * headDim),
      values: result(out, 'values').subarray(0, rows * kvHeads * headDim),
    };
  }

  #even(all: Float32Array, rows: number): Float32Array {
    return this.#isPaired && rows % 2 === 1 ? withTwin(all, rows) : all;
  }

  /** The stream and last attention of rows → logits [rows, vocabulary]. */
  async logits(hidden: Float32Array, attended: Float32Array): Promise<Float32Array> {
    const { shape } = this;
    const rows = hidden.length / shape.hidden;
    const stream = this.#even(hidden, rows);
    const dims = [1, stream.length / shape.hidden, shape.hidden];
    const tail = await this.#tail.run({
      hidden: floats(stream, dims),
      attended: floats(this.#even(attended, rows), [1, dims[1] as number, attended.length / rows]),
    });
    const head = await this.#head.run({ normed: floats(result(tail, 'normed'), dims) });
    return result(head, 'logits').subarray(0, rows * shape.vocabulary);
  }

  async close(): Promise<void> {
    for (const session of [this.#tail, this.#head, ...this.#blocks]) await session.close();
    await this.attention.close();
    await this.rounding.close();
    await this.#embedding.close();
  }
}

/** The f32 head lies as in the checkpoint; a quantised one is in blocks, whatever the rest is. */
function headOptions({ dtype }: CompiledManifest, threads: number): SessionOptions {
  return dtype === 'f32' ? { threads, keepsPlain: true } : { threads, isPacked: true };
}
