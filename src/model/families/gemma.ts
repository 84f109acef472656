/**
 * Gemma 1: norms stored around zero, embeddings times √hidden, a GELU by tanh whatever the config calls it. Gemma 2: norms on
 * both sides of attention and MLP, caps on scores and logits, a window on every second layer.
 */
import { z } from 'zod';
import { capSchema, epsilonSchema, scalarSchema, windowSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { eachLayer, isWindowed, standardLayer, withAttention, withWindow } from '../family/standard-layer.js';
import { layerNames } from '../family/tensor-names.js';

export const GEMMA = defineFamily({
  name: 'gemma',
  types: ['gemma'],
  keys: z.object({ rms_norm_eps: epsilonSchema.default(1e-6) }),
  defaults: { head_dim: 256 },
  model: (common, { rms_norm_eps: epsilon }) => ({
    norm: 'rms',
    epsilon,
    specs: [{ ...standardLayer(common), mlp: { kind: 'gated', activation: 'gelu-tanh' } }],
    isTied: true,
    embeddingScale: Math.sqrt(common.hidden),
    normOffset: 1,
  }),
});

export const GEMMA2 = defineFamily({
  name: 'gemma2',
  types: ['gemma2'],
  keys: z.object({
    rms_norm_eps: epsilonSchema.default(1e-6),
    query_pre_attn_scalar: scalarSchema.default(256),
    attn_logit_softcapping: capSchema,
    final_logit_softcapping: capSchema,
    sliding_window: windowSchema,
  }),
  defaults: { head_dim: 256, attn_logit_softcapping: 50, final_logit_softcapping: 30, sliding_window: 4096 },
  // Only hidden_activation counts.
  commonKeys: () => ({ hidden_act: 'gelu_pytorch_tanh' }),
  model: (common, own) => {
    const plain = withAttention(standardLayer(common, { activation: 'gelu-tanh' }), {
      scale: 1 / Math.sqrt(own.query_pre_attn_scalar),
      ...(own.attn_logit_softcapping && { scoreCap: own.attn_logit_softcapping }),
    });
    const around = { ...plain, norms: 'around' } as const;
    return {
      norm: 'rms',
      epsilon: own.rms_norm_eps,
      specs: eachLayer(common, (layer) =>
        isWindowed(common, layer, () => layer % 2 === 0) ? withWindow(around, own.sliding_window) : around,
      ),
      isTied: true,
      embeddingScale: Math.sqrt(common.hidden),
      logitCap: own.final_logit_softcapping ?? undefined,
      names: layerNames({ mlpNorm: 'pre_feedforward_layernorm' }),
      normOffset: 1,
    };
  },
});
