/**
 * What a decoder-only language model looks like, as far as the graphs, the cache and the plan need to know.
 * Made by model/, read by everyone. Knows no file format and no architecture's tensor names.
 */

export type RotaryScaling =
  | { readonly kind: 'none' }
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContextTokens: number;
    };

export type ModelShape = {
  readonly architecture: 'llama' | 'falcon';
  readonly layers: number;
  /** Width of the residual stream. */
  readonly hidden: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; divides `heads`. */
  readonly kvHeads: number;
  readonly headDim: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** The most tokens the model was made for, prompt and answer together. */
  readonly contextTokens: number;
  /** 'rms': x/rms(x)·w. 'layer': (x−mean)/std·w + b. */
  readonly norm: 'rms' | 'layer';
  readonly normEpsilon: number;
  /** 'sequential': h += attention(norm(h)); h += mlp(norm'(h)). 'parallel': h += attention(norm(h)) + mlp(norm'(h)). */
  readonly residual: 'sequential' | 'parallel';
  /** True where attention and MLP read the same norm's output (Falcon 7B). */
  readonly sharedNorm: boolean;
  /** 'silu-gated': down(silu(gate(x))·up(x)). 'gelu': down(gelu(up(x))), exact erf. */
  readonly mlp: 'silu-gated' | 'gelu';
  readonly rotaryTheta: number;
  readonly rotaryScaling: RotaryScaling;
  /** The head's weight is the embedding's. */
  readonly tiedHead: boolean;
};

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
