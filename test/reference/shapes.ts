/**
 * The layouts that tests make models of: everything but sizes, so that a test says only what matters to it.
 */
import { plainLayer } from '../../src/core/layers/layer-spec.js';
import type { Rotary } from '../../src/core/layers/rotary.js';
import { type ModelShape, withSpec } from '../../src/core/shape.js';

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
  specs: [plainLayer(8, 10_000)],
  embeddingScale: 1,
  logitScale: 1,
  tiedHead: false,
};

/** The same sizes in the layout of Falcon 7B: one KV head, a parallel residual with one norm, a tied head. */
export function asFalcon(llama: ModelShape): ModelShape {
  const falcon: ModelShape = { ...llama, architecture: 'falcon', kvHeads: 1, norm: 'layer', tiedHead: true };
  const mlp = { kind: 'plain', activation: 'gelu' } as const;
  return withSpec(falcon, { residual: 'parallel', sharesNorm: true, mlp });
}

/** With heads of another width, all of which positions turn. */
export function withHeadDim(shape: ModelShape, headDim: number): ModelShape {
  const wide = withRotary({ ...shape, headDim }, { dims: headDim });
  const scale = 1 / Math.sqrt(headDim);
  return { ...wide, specs: wide.specs.map((spec) => ({ ...spec, attention: { ...spec.attention, scale } })) };
}

/** With other rotary positions in every layer that has any. */
export function withRotary(shape: ModelShape, change: Partial<Rotary>): ModelShape {
  const specs = shape.specs.map((spec) => {
    const { rotary } = spec.attention;
    return { ...spec, attention: { ...spec.attention, rotary: rotary && { ...rotary, ...change } } };
  });
  return { ...shape, specs };
}
