/**
 * The shapes behind `synthetic:NAME`: published models' sizes as data. Sources: each model's config.json
 * (Llama 1 for 7b, 13b and 30b; Llama 3.1 8B; TinyLlama 1.1B; Falcon 7B).
 */
import type { ModelShape } from '../../core/shape.js';

const LLAMA = {
  architecture: 'llama',
  norm: 'rms',
  normEpsilon: 1e-6,
  residual: 'sequential',
  sharedNorm: false,
  mlp: 'silu-gated',
  vocabulary: 32_000,
  contextTokens: 2048,
  rotaryTheta: 10_000,
  rotaryScaling: { kind: 'none' },
  tiedHead: false,
} as const;

/** Llama 1's layout: as many KV heads as query heads, 128 wide each. */
function llama(layers: number, heads: number, feedForward: number): ModelShape {
  return { ...LLAMA, layers, hidden: heads * 128, heads, kvHeads: heads, headDim: 128, feedForward };
}

export const SYNTHETIC_SHAPES: ReadonlyMap<string, ModelShape> = new Map<string, ModelShape>([
  ['llama-7b', llama(32, 32, 11_008)],
  ['llama-13b', llama(40, 40, 13_824)],
  ['llama-30b', llama(60, 52, 17_920)],
  [
    'llama-3.1-8b',
    {
      ...llama(32, 32, 14_336),
      kvHeads: 8,
      vocabulary: 128_256,
      contextTokens: 131_072,
      normEpsilon: 1e-5,
      rotaryTheta: 500_000,
      rotaryScaling: {
        kind: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalContextTokens: 8192,
      },
    },
  ],
  ['tinyllama-1.1b', { ...llama(22, 32, 5632), hidden: 2048, headDim: 64, kvHeads: 4, normEpsilon: 1e-5 }],
  [
    'falcon-7b',
    {
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
      residual: 'parallel',
      sharedNorm: true,
      mlp: 'gelu',
      rotaryTheta: 10_000,
      rotaryScaling: { kind: 'none' },
      tiedHead: true,
    },
  ],
]);

/** Names people will try whose architecture is not supported, with the reason. */
export const REFUSED_SHAPES: ReadonlyMap<string, string> = new Map([
  ['falcon-1b', 'it places tokens by ALiBi, which is not supported'],
  ['falcon-rw-1b', 'it places tokens by ALiBi, which is not supported'],
]);
