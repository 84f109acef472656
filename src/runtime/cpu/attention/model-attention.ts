/**
 * The attention of every layer of a model: layers of one kind share their kernels. Lives on a compute thread.
 */
import type { ModelShape } from '../../../core/shape.js';
import { type Feeds, floats } from '../../sessions/kernels.js';
import type { CpuKvCache } from '../cache/cpu-kv-cache.js';
import { Attention } from './attention.js';
import { attentionShape } from './attention-shape.js';
import type { LayerInCache } from './layer-in-cache.js';

/** A score a query head, for each layer; none for layers without. */
export type LayerSinks = readonly (readonly number[])[];

export class ModelAttention {
  readonly #sinks: readonly Feeds[];
  /** One for each of the shape's specs; equal ones are the same object. */
  readonly #ofSpecs: readonly Attention[];
  readonly #kinds: ReadonlyMap<string, Attention>;

  /** Opens each graph when something first asks for it. */
  constructor(shape: ModelShape, threads: number, sinks: LayerSinks = []) {
    this.#sinks = sinks.map((scores) => sinkFeeds(shape, scores));
    const shapes = shape.specs.map(({ attention }) => attentionShape(shape, attention));
    const kinds = new Map(shapes.map((own) => [JSON.stringify(own), own]));
    this.#kinds = new Map([...kinds].map(([key, own]) => [key, new Attention(own, threads)]));
    this.#ofSpecs = shapes.map((own) => this.#kinds.get(JSON.stringify(own)) as Attention);
  }

  /** With what every request of an f32 cache needs open. @throws INTERNAL */
  static async open(shape: ModelShape, threads: number, sinks: LayerSinks = []): Promise<ModelAttention> {
    const attention = new ModelAttention(shape, threads, sinks);
    for (const kind of attention.#kinds.values()) await kind.openCommon();
    return attention;
  }

  /** Of the model's layer. */
  of(layer: number): Attention {
    return this.#ofSpecs[layer % this.#ofSpecs.length] as Attention;
  }

  /** @param layer of the model. @param cacheLayer where its rows lie, unless at the same number */
  place(cache: CpuKvCache, layer: number, cacheLayer = layer): LayerInCache {
    return { cache, layer: cacheLayer, sinks: this.#sinks[layer] ?? {} };
  }

  async close(): Promise<void> {
    for (const attention of this.#kinds.values()) await attention.close();
  }
}

function sinkFeeds({ heads, kvHeads }: ModelShape, scores: readonly number[]): Feeds {
  if (scores.length === 0) return {};
  return { sinks: floats(Float32Array.from(scores), [kvHeads, heads / kvHeads]) };
}
