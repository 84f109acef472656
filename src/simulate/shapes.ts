/**
 * Shapes of the models the paper studied, as far as times depend on them. Data; from the models' published configs.
 */
import type { ModelShape } from '../core/shape.js';

const LLAMA = {
  architecture: 'llama',
  vocabulary: 32_000,
  contextTokens: 16_384,
  norm: 'rms',
  normEpsilon: 1e-6,
  residual: 'sequential',
  sharedNorm: false,
  mlp: 'silu-gated',
  rotaryTheta: 10_000,
  rotaryScaling: { kind: 'none' },
  tiedHead: false,
} as const;

const FALCON = {
  architecture: 'falcon',
  contextTokens: 16_384,
  norm: 'layer',
  normEpsilon: 1e-5,
  residual: 'parallel',
  sharedNorm: true,
  mlp: 'gelu',
  rotaryTheta: 10_000,
  rotaryScaling: { kind: 'none' },
  tiedHead: true,
} as const;

export const LLAMA_7B: ModelShape = {
  ...LLAMA,
  layers: 32,
  hidden: 4096,
  heads: 32,
  kvHeads: 32,
  headDim: 128,
  feedForward: 11_008,
};
export const LLAMA_13B: ModelShape = {
  ...LLAMA_7B,
  layers: 40,
  hidden: 5120,
  heads: 40,
  kvHeads: 40,
  feedForward: 13_824,
};
export const LLAMA_30B: ModelShape = {
  ...LLAMA_7B,
  layers: 60,
  hidden: 6656,
  heads: 52,
  kvHeads: 52,
  feedForward: 17_920,
};
/** Llama 7B with one head of K and V, and with eight. */
export const LLAMA_7B_MQA: ModelShape = { ...LLAMA_7B, kvHeads: 1 };
export const LLAMA_7B_GQA: ModelShape = { ...LLAMA_7B, kvHeads: 8 };

export const FALCON_7B: ModelShape = {
  ...FALCON,
  layers: 32,
  hidden: 4544,
  heads: 71,
  kvHeads: 1,
  headDim: 64,
  feedForward: 18_176,
  vocabulary: 65_024,
};
/** Falcon RW 1B: as many heads of K and V as of Q, norms not shared, sequential residual. */
export const FALCON_1B: ModelShape = {
  ...FALCON,
  residual: 'sequential',
  sharedNorm: false,
  layers: 24,
  hidden: 2048,
  heads: 32,
  kvHeads: 32,
  headDim: 64,
  feedForward: 8192,
  vocabulary: 50_304,
};

/** By the names the command line knows them by. */
export const PAPER_SHAPES: ReadonlyMap<string, ModelShape> = new Map([
  ['llama-7b', LLAMA_7B],
  ['llama-13b', LLAMA_13B],
  ['llama-30b', LLAMA_30B],
  ['llama-7b-mqa', LLAMA_7B_MQA],
  ['llama-7b-gqa', LLAMA_7B_GQA],
  ['falcon-1b', FALCON_1B],
  ['falcon-7b', FALCON_7B],
]);
