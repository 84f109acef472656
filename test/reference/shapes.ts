/**
 * The layouts that tests make models of: everything but sizes, so that a test says only what matters to it.
 */
import type { ModelShape } from '../../src/core/shape.js';

/** A small Llama: grouped heads, an untied head, nothing scaled. */
export const TINY_LLAMA: ModelShape = {
  architecture: 'llama',
  layers: 2,
  hidden: 32,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  feedForward: 48,
  vocabulary: 61,
  contextTokens: 64,
  norm: 'rms',
  normEpsilon: 1e-5,
  residual: 'sequential',
  sharedNorm: false,
  mlp: 'silu-gated',
  rotaryTheta: 10_000,
  rotaryScaling: { kind: 'none' },
  tiedHead: false,
};

/** The same sizes in the layout of Falcon 7B: one KV head, a parallel residual with one norm, a tied head. */
export function asFalcon(llama: ModelShape): ModelShape {
  return {
    ...llama,
    architecture: 'falcon',
    kvHeads: 1,
    norm: 'layer',
    residual: 'parallel',
    sharedNorm: true,
    mlp: 'gelu',
    tiedHead: true,
  };
}
