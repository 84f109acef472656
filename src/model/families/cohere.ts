/**
 * Cohere's Command R and R+ and Aya: layer norms without bias, attention and MLP side by side, neighbours turned, logits
 * scaled. Command R7B: with a window on three layers of four, and positions only there.
 */
import { z } from 'zod';
import type { NormWeights } from '../../core/checkpoint.js';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import type { ModelShape } from '../../core/shape.js';
import { asVector } from '../checkpoint/matrix.js';
import type { CommonConfig } from '../family/common-config.js';
import { count, epsilonSchema, MAX_LAYERS, scalarSchema, windowSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import type { LayerTensors } from '../family/layer-tensors.js';
import { eachLayer, isWindowed, standardLayer, withAttention, withWindow } from '../family/standard-layer.js';

const keys = z.object({
  layer_norm_eps: epsilonSchema.default(1e-5),
  logit_scale: scalarSchema.default(0.0625),
  use_qk_norm: z.boolean().default(false),
});

export const COHERE = defineFamily({
  name: 'cohere',
  types: ['cohere'],
  keys,
  model: (common, own) => ({
    norm: 'layer',
    epsilon: own.layer_norm_eps,
    specs: [withAttention(parallelLayer(common), { queryKeyNorm: own.use_qk_norm ? 'head' : 'none' })],
    isTied: true,
    logitScale: own.logit_scale,
    normBias: false,
    readers: { headNorm: readHeadNorm },
  }),
});

/** Every so many layers one sees everything, and has no positions. */
const PATTERN = 4;

export const COHERE2 = defineFamily({
  name: 'cohere2',
  types: ['cohere2'],
  keys: keys.omit({ use_qk_norm: true }).extend({
    sliding_window: windowSchema,
    sliding_window_pattern: count(MAX_LAYERS).nullish(),
    _sliding_window_pattern: count(MAX_LAYERS).nullish(),
  }),
  defaults: { sliding_window: 4096 },
  model: (common, own) => {
    const pattern = own.sliding_window_pattern ?? own._sliding_window_pattern ?? PATTERN;
    const local = withWindow(parallelLayer(common), own.sliding_window);
    const full = withAttention(parallelLayer(common), { rotary: undefined });
    return {
      norm: 'layer',
      epsilon: own.layer_norm_eps,
      specs: eachLayer(common, (layer) =>
        isWindowed(common, layer, () => (layer + 1) % pattern !== 0) ? local : full,
      ),
      isTied: true,
      logitScale: own.logit_scale,
      normBias: false,
    };
  },
});

function parallelLayer(common: CommonConfig): LayerSpec {
  return { ...standardLayer(common, { pairs: 'neighbours' }), residual: 'parallel', sharesNorm: true };
}

/** Weights of its own for every head, [heads, D]. */
function readHeadNorm(
  tensors: LayerTensors,
  name: string,
  heads: number,
  { headDim }: ModelShape,
): NormWeights {
  const weight = tensors.source.matrix(`${tensors.prefix}${name}.weight`, heads, headDim);
  return { weight: asVector(weight) };
}
