/**
 * StarCoder 2: layer norms, a plain MLP, biases everywhere, a window on every layer.
 */
import { z } from 'zod';
import { epsilonSchema, windowSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer, withWindow } from '../family/standard-layer.js';
import { layerNames } from '../family/tensor-names.js';

export const STARCODER2 = defineFamily({
  name: 'starcoder2',
  types: ['starcoder2'],
  keys: z.object({
    norm_epsilon: epsilonSchema.default(1e-5),
    sliding_window: windowSchema,
    use_bias: z.boolean().default(true),
  }),
  model: (common, own) => {
    const spec = standardLayer(common, { activation: 'gelu-tanh', mlp: 'plain' });
    return {
      norm: 'layer',
      epsilon: own.norm_epsilon,
      specs: [withWindow(spec, own.sliding_window)],
      isTied: true,
      names: layerNames({ up: 'mlp.c_fc', down: 'mlp.c_proj' }),
      readers: { attentionBias: own.use_bias, mlpBias: own.use_bias },
    };
  },
});
