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
import type { RotaryTable } from './rotary.js';

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
  readonly #embedding: Embedding;
  readonly #blocks: readonly Session[];
  readonly #tail: Session;
  readonly #head: Session;

  private constructor(
    manifest: CompiledManifest,
    embedding: Embedding,
    attention: Attention,
    sessions: readonly Session[],
  ) {
    const [tail, head, ...blocks] = sessions as [Session, Session];
    this.manifest = manifest;
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
    for (const session of [this.#tail, this.#head, ...this.#blocks]) await session.close();
    await this.attention.close();
    await this.#embedding.close();
  }
}

/** The f32 head lies as in the checkpoint; a quantised one is in blocks, whatever the rest is. */
function headOptions({ dtype }: CompiledManifest, threads: number): SessionOptions {
  return dtype === 'f32' ? { threads, keepsPlain: true } : { threads, isPacked: true };
}
