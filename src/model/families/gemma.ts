/**
 * Gemma 1: norms stored around zero, embeddings times √hidden, a GELU by tanh whatever the config calls it.
 */
import { z } from 'zod';
import { epsilonSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer } from '../family/standard-layer.js';

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
