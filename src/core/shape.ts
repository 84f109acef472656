/**
 * What a decoder-only language model looks like, as far as the graphs, the cache and the plan need to know: one schema, from
 * which the type follows. Made by model/, read by everyone. Knows no file format and no architecture's tensor names.
 */

import { z } from 'zod';
import { type LayerSpec, layerSpecSchema } from './layers/layer-spec.js';
import { isStretchedAt } from './layers/rotary.js';

const count = z.number().int().positive();
/** One a layer, at most. */
const MAX_SPECS = 1024;

export const modelShapeSchema = z
  .object({
    /** The family's name, as messages give it. */
    architecture: z.string().min(1).max(100),
    layers: count,
    /** Width of the residual stream. */
    hidden: count,
    /** Query heads. */
    heads: count,
    /** Key and value heads; divides `heads`. */
    kvHeads: count,
    headDim: count,
    /** Width of an MLP's inner rows; experts have one of their own. */
    feedForward: count,
    vocabulary: count,
    /** The most tokens the model was made for, prompt and answer together. */
    contextTokens: count,
    /** 'rms': x/rms(x)·w. 'layer': (x−mean)/std·w + b. */
    norm: z.enum(['rms', 'layer']),
    normEpsilon: z.number().nonnegative(),
    /** Layer l is as specs[l % specs.length] says. */
    specs: z.array(layerSpecSchema).min(1).max(MAX_SPECS).readonly(),
    /** What the embedding's rows are multiplied with; the head is not. */
    embeddingScale: z.number().positive(),
    logitScale: z.number().positive(),
    /** logits = cap·tanh(logits/cap), after the scale. */
    logitCap: z.number().positive().optional(),
    /** The head's weight is the embedding's. */
    tiedHead: z.boolean(),
  })
  .readonly();
/** A model's sizes and variants: `hidden` is the width of the residual stream, `kvHeads` divides `heads`; each field is explained at modelShapeSchema. */
export type ModelShape = z.infer<typeof modelShapeSchema>;

export function layerSpec({ specs }: ModelShape, layer: number): LayerSpec {
  return specs[layer % specs.length] as LayerSpec;
}

/** One spec a layer. */
export function layerSpecs(shape: ModelShape): LayerSpec[] {
  return Array.from({ length: shape.layers }, (_, layer) => layerSpec(shape, layer));
}

/** Whether a prompt's rows can be those of an earlier one: not where its length decides on its positions. */
export function canReuseRows({ specs }: ModelShape, promptTokens: number): boolean {
  return !specs.some(({ attention: { rotary } }) => rotary && isStretchedAt(rotary, promptTokens));
}

/** The same model with something else in every layer. */
export function withSpec(shape: ModelShape, change: Partial<LayerSpec>): ModelShape {
  return { ...shape, specs: shape.specs.map((spec) => ({ ...spec, ...change })) };
}

/**
 * Element type of the weights in a compiled model. q8, q4: integers in blocks that share a scale. w8a8: int8 weights
 * with a scale a channel, times int8 activations with a scale a row.
 */
export const DTYPES = ['f32', 'q8', 'q4', 'w8a8'] as const;
export type Dtype = (typeof DTYPES)[number];

/** Elements of K plus V for one token of one layer. */
export function kvElementsPerToken(shape: ModelShape): number {
  return 2 * shape.kvHeads * shape.headDim;
}

/** Element type of keys and values, in caches and on the wire. q8: int8 numbers that share a scale, one for each head of a row. */
export const KV_DTYPES = ['f32', 'f16', 'q8'] as const;
export type KvDtype = (typeof KV_DTYPES)[number];

/** Of the scale, an f32. */
export const KV_SCALE_BYTES = 4;

/** Bytes of the keys of one KV head for one token of one layer; values take as many. */
export function kvHeadBytes({ headDim }: Pick<ModelShape, 'headDim'>, kvDtype: KvDtype): number {
  switch (kvDtype) {
    case 'f32':
      return 4 * headDim;
    case 'f16':
      return 2 * headDim;
    case 'q8':
      return KV_SCALE_BYTES + headDim;
  }
}

/** Bytes of K plus V for one token of one layer. */
export function kvRowBytes(shape: Pick<ModelShape, 'kvHeads' | 'headDim'>, kvDtype: KvDtype): number {
  return 2 * shape.kvHeads * kvHeadBytes(shape, kvDtype);
}

/** Bytes of KV-cache for one token over all layers. */
export function kvBytesPerToken(shape: ModelShape, kvDtype: KvDtype): number {
  return shape.layers * kvRowBytes(shape, kvDtype);
}
