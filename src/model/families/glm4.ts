/**
 * GLM 4 (0414): norms on both sides of attention and MLP, gate and up in one tensor, neighbours turned in half of each head.
 */
import { z } from 'zod';
import { epsilonSchema, shareSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer } from '../family/standard-layer.js';
import { layerNames } from '../family/tensor-names.js';

export const GLM4 = defineFamily({
  name: 'glm4',
  types: ['glm4'],
  keys: z.object({
    rms_norm_eps: epsilonSchema.default(1.5625e-7),
    partial_rotary_factor: shareSchema.default(0.5),
  }),
  model: (common, own) => {
    const spec = standardLayer(common, { rotaryShare: own.partial_rotary_factor, pairs: 'neighbours' });
    return {
      norm: 'rms',
      epsilon: own.rms_norm_eps,
      specs: [{ ...spec, norms: 'around' }],
      names: layerNames({
        attentionOutputNorm: 'post_self_attn_layernorm',
        mlpOutputNorm: 'post_mlp_layernorm',
        gateUp: 'mlp.gate_up_proj',
      }),
      readers: { outputBias: false },
    };
  },
});
