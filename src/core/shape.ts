/**
 * What a decoder-only language model looks like, as far as the graphs, the cache and the plan need to know: one schema, from
 * which the type follows. Made by model/, read by everyone. Knows no file format and no architecture's tensor names.
 */

import { z } from 'zod';

const count = z.number().int().positive();

/** How rotary angles are stretched beyond the context that a model was trained for. */
const rotaryScalingSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }).readonly(),
  z.object({ kind: z.literal('linear'), factor: z.number().positive() }).readonly(),
  z
    .object({
      kind: z.literal('llama3'),
      factor: z.number().positive(),
      lowFrequencyFactor: z.number().positive(),
      highFrequencyFactor: z.number().positive(),
      originalContextTokens: count,
    })
    .readonly(),
]);
export type RotaryScaling = z.infer<typeof rotaryScalingSchema>;

export const modelShapeSchema = z
  .object({
    architecture: z.enum(['llama', 'falcon']),
    layers: count,
    /** Width of the residual stream. */
    hidden: count,
    /** Query heads. */
    heads: count,
    /** Key and value heads; divides `heads`. */
    kvHeads: count,
    headDim: count,
    feedForward: count,
    vocabulary: count,
    /** The most tokens the model was made for, prompt and answer together. */
    contextTokens: count,
    /** 'rms': x/rms(x)·w. 'layer': (x−mean)/std·w + b. */
    norm: z.enum(['rms', 'layer']),
    normEpsilon: z.number().nonnegative(),
    /** 'sequential': h += attention(norm(h)); h += mlp(norm'(h)). 'parallel': h += attention(norm(h)) + mlp(norm'(h)). */
    residual: z.enum(['sequential', 'parallel']),
    /** True where attention and MLP read the same norm's output (Falcon 7B). */
    sharedNorm: z.boolean(),
    /** 'silu-gated': down(silu(gate(x))·up(x)). 'gelu': down(gelu(up(x))), exact erf. */
    mlp: z.enum(['silu-gated', 'gelu']),
    rotaryTheta: z.number().positive(),
    rotaryScaling: rotaryScalingSchema,
    /** The head's weight is the embedding's. */
    tiedHead: z.boolean(),
  })
  .readonly();
/** A model's sizes and variants: `hidden` is the width of the residual stream, `kvHeads` divides `heads`; each field is explained at modelShapeSchema. */
export type ModelShape = z.infer<typeof modelShapeSchema>;

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

/** Element type of keys and values, in caches and on the wire. */
export const KV_DTYPES = ['f32', 'f16'] as const;
export type KvDtype = (typeof KV_DTYPES)[number];

/** Bytes of K plus V for one token of one layer. */
export function kvRowBytes(shape: ModelShape, kvDtype: KvDtype): number {
  return (kvDtype === 'f16' ? 2 : 4) * kvElementsPerToken(shape);
}

/** Bytes of KV-cache for one token over all layers. */
export function kvBytesPerToken(shape: ModelShape, kvDtype: KvDtype): number {
  return shape.layers * kvRowBytes(shape, kvDtype);
}
