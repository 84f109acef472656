/**
 * Granite 3.x, dense: Llama's layers with multipliers on embeddings, scores, residuals and logits.
 */
import { z } from 'zod';
import { epsilonSchema, scalarSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer, withAttention } from '../family/standard-layer.js';

export const GRANITE = defineFamily({
  name: 'granite',
  types: ['granite'],
  keys: z.object({
    rms_norm_eps: epsilonSchema.default(1e-6),
    embedding_multiplier: scalarSchema.default(1),
    attention_multiplier: scalarSchema.default(1),
    residual_multiplier: scalarSchema.default(1),
    logits_scaling: scalarSchema.default(1),
  }),
  model: (common, own) => {
    const spec = withAttention(standardLayer(common), { scale: own.attention_multiplier });
    return {
      norm: 'rms',
      epsilon: own.rms_norm_eps,
      specs: [{ ...spec, residualScale: own.residual_multiplier }],
      embeddingScale: own.embedding_multiplier,
      logitScale: 1 / own.logits_scaling,
    };
  },
});
