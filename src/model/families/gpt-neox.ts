/**
 * GPT-NeoX and Pythia: layer norms, a plain MLP beside attention or after it, positions on a part of each head, biases
 * everywhere.
 */
import { z } from 'zod';
import { epsilonSchema, shareSchema, thetaSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer } from '../family/standard-layer.js';
import { LLAMA_NAMES } from '../family/tensor-names.js';

export const GPT_NEOX = defineFamily({
  name: 'gpt_neox',
  types: ['gpt_neox'],
  keys: z.object({
    layer_norm_eps: epsilonSchema.default(1e-5),
    rotary_pct: shareSchema.default(0.25),
    /** What newer files call rotary_pct. */
    partial_rotary_factor: shareSchema.nullish(),
    rotary_emb_base: thetaSchema.nullish(),
    use_parallel_residual: z.boolean().default(true),
  }),
  commonKeys: (own) => ({ rope_theta: own.rotary_emb_base }),
  model: (common, own) => ({
    norm: 'layer',
    epsilon: own.layer_norm_eps,
    specs: [
      {
        ...standardLayer(common, {
          rotaryShare: own.partial_rotary_factor ?? own.rotary_pct,
          activation: 'gelu',
          mlp: 'plain',
        }),
        residual: own.use_parallel_residual ? 'parallel' : 'sequential',
      },
    ],
    names: {
      roots: ['gpt_neox.', ''],
      embedding: 'embed_in',
      finalNorm: 'final_layer_norm',
      layers: 'layers',
      heads: ['embed_out'],
      layer: {
        ...LLAMA_NAMES.layer,
        qkv: { name: 'attention.query_key_value', order: 'groups' },
        o: 'attention.dense',
        up: 'mlp.dense_h_to_4h',
        down: 'mlp.dense_4h_to_h',
      },
    },
  }),
});
