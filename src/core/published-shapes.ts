/**
 * Shapes of published models, by the names that commands know them by. Data, from each model's config.json: Llama 1 7B, 13B
 * and 30B, Llama 3.1 8B, TinyLlama 1.1B, Falcon 7B and RW 1B. What can be simulated, and the base of random weights.
 */
import { type LayerSpec, plainLayer } from './layers/layer-spec.js';
import type { RotaryScaling } from './layers/rotary.js';
import type { ModelShape } from './shape.js';

const LLAMA = {
  architecture: 'llama',
  norm: 'rms',
  normEpsilon: 1e-6,
  vocabulary: 32_000,
  contextTokens: 2048,
  specs: [plainLayer(128, 10_000)],
  embeddingScale: 1,
  logitScale: 1,
  tiedHead: false,
} as const;

/** Llama 1's layout: as many KV heads as query heads, 128 wide each. */
function llama(layers: number, heads: number, feedForward: number): ModelShape {
  return { ...LLAMA, layers, hidden: heads * 128, heads, kvHeads: heads, headDim: 128, feedForward };
}

export const LLAMA_7B = llama(32, 32, 11_008);
export const LLAMA_13B = llama(40, 40, 13_824);
export const LLAMA_30B = llama(60, 52, 17_920);
/** Llama 7B with one head of K and V, and with eight: the paper's variants, which nobody published. */
export const LLAMA_7B_MQA: ModelShape = { ...LLAMA_7B, kvHeads: 1 };
export const LLAMA_7B_GQA: ModelShape = { ...LLAMA_7B, kvHeads: 8 };

const LLAMA_3_1_SCALING: RotaryScaling = {
  kind: 'llama3',
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalContextTokens: 8192,
};

function scaledLayer(headDim: number, theta: number, scaling: RotaryScaling): LayerSpec {
  const layer = plainLayer(headDim, theta);
  const rotary = { dims: headDim, theta, scaling, pairs: 'halves' } as const;
  return { ...layer, attention: { ...layer.attention, rotary } };
}

const LLAMA_3_1_8B: ModelShape = {
  ...llama(32, 32, 14_336),
  kvHeads: 8,
  vocabulary: 128_256,
  contextTokens: 131_072,
  normEpsilon: 1e-5,
  specs: [scaledLayer(128, 500_000, LLAMA_3_1_SCALING)],
};

const TINYLLAMA_1_1B: ModelShape = {
  ...llama(22, 32, 5632),
  hidden: 2048,
  headDim: 64,
  kvHeads: 4,
  normEpsilon: 1e-5,
  specs: [plainLayer(64, 10_000)],
};

const FALCON_LAYER: LayerSpec = {
  ...plainLayer(64, 10_000),
  residual: 'parallel',
  sharesNorm: true,
  mlp: { kind: 'plain', activation: 'gelu' },
};

export const FALCON_7B: ModelShape = {
  architecture: 'falcon',
  layers: 32,
  hidden: 4544,
  heads: 71,
  kvHeads: 1,
  headDim: 64,
  feedForward: 4 * 4544,
  vocabulary: 65_024,
  contextTokens: 2048,
  norm: 'layer',
  normEpsilon: 1e-5,
  specs: [FALCON_LAYER],
  embeddingScale: 1,
  logitScale: 1,
  tiedHead: true,
};

/** Falcon RW 1B: as many heads of K and V as of Q, norms not shared, ALiBi for rotary angles. */
export const FALCON_1B: ModelShape = {
  ...FALCON_7B,
  specs: [
    {
      ...FALCON_LAYER,
      residual: 'sequential',
      sharesNorm: false,
      attention: { scale: 1 / 8, alibiScale: 1 / 8, hasSinks: false, queryKeyNorm: 'none' },
    },
  ],
  layers: 24,
  hidden: 2048,
  heads: 32,
  kvHeads: 32,
  feedForward: 8192,
  vocabulary: 50_304,
};

/** Shapes that the paper studied, which the simulator knows. */
export const PAPER_SHAPES: ReadonlyMap<string, ModelShape> = new Map([
  ['llama-7b', LLAMA_7B],
  ['llama-13b', LLAMA_13B],
  ['llama-30b', LLAMA_30B],
  ['llama-7b-mqa', LLAMA_7B_MQA],
  ['llama-7b-gqa', LLAMA_7B_GQA],
  ['falcon-1b', FALCON_1B],
  ['falcon-7b', FALCON_7B],
]);

/** Shapes that this project can run, which random weights are made for. */
export const RUNNABLE_SHAPES: ReadonlyMap<string, ModelShape> = new Map([
  ['llama-7b', LLAMA_7B],
  ['llama-13b', LLAMA_13B],
  ['llama-30b', LLAMA_30B],
  ['llama-3.1-8b', LLAMA_3_1_8B],
  ['tinyllama-1.1b', TINYLLAMA_1_1B],
  ['falcon-7b', FALCON_7B],
  ['falcon-rw-1b', FALCON_1B],
  ['falcon-1b', FALCON_1B],
]);
