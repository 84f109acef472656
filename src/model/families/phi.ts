/**
 * Phi 1, 1.5 and 2: layer norms, attention and MLP side by side, biases everywhere, positions on a part of each head. Phi 3,
 * 3.5, 4 and 4-mini: Llama's layers with fused tensors, LongRoPE for long contexts, a window in some sizes.
 */
import { z } from 'zod';
import { epsilonSchema, shareSchema, windowSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer, withWindow } from '../family/standard-layer.js';
import { LLAMA_NAMES, layerNames } from '../family/tensor-names.js';

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

export const PHI3 = defineFamily({
  name: 'phi3',
  types: ['phi3'],
  keys: z.object({
    rms_norm_eps: epsilonSchema.default(1e-5),
    partial_rotary_factor: shareSchema.default(1),
    sliding_window: windowSchema,
  }),
  model: (common, own) => {
    const spec = standardLayer(common, { rotaryShare: own.partial_rotary_factor });
    return {
      norm: 'rms',
      epsilon: own.rms_norm_eps,
      specs: [withWindow(spec, own.sliding_window)],
      names: layerNames({ qkv: { name: 'self_attn.qkv_proj', order: 'parts' }, gateUp: 'mlp.gate_up_proj' }),
    };
  },
});
