/**
 * Phi 1, 1.5 and 2: layer norms, attention and MLP side by side, biases everywhere, positions on a part of each head.
 */
import { z } from 'zod';
import { epsilonSchema, shareSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer } from '../family/standard-layer.js';
import { LLAMA_NAMES } from '../family/tensor-names.js';

export const PHI = defineFamily({
  name: 'phi',
  types: ['phi'],
  keys: z.object({
    layer_norm_eps: epsilonSchema.default(1e-5),
    partial_rotary_factor: shareSchema.default(0.5),
  }),
  model: (common, own) => {
    const rotaryShare = own.partial_rotary_factor;
    const spec = standardLayer(common, { rotaryShare, activation: 'gelu-tanh', mlp: 'plain' });
    return {
      norm: 'layer',
      epsilon: own.layer_norm_eps,
      specs: [{ ...spec, residual: 'parallel', sharesNorm: true }],
      names: {
        ...LLAMA_NAMES,
        finalNorm: 'final_layernorm',
        layer: { ...LLAMA_NAMES.layer, o: 'self_attn.dense', up: 'mlp.fc1', down: 'mlp.fc2' },
      },
    };
  },
});
