/**
 * Mistral 7B, Nemo, Ministral and Small: Llama's layers, the first of them with a window. Mixtral: with experts for MLPs.
 */
import { z } from 'zod';
import { count, epsilonSchema, MAX_EXPERTS, windowSchema } from '../family/config-limits.js';
import { checkedExperts } from '../family/experts.js';
import { defineFamily } from '../family/family.js';
import { separateExperts } from '../family/separate-experts.js';
import { eachLayer, isWindowed, standardLayer, withWindow } from '../family/standard-layer.js';

const keys = z.object({
  rms_norm_eps: epsilonSchema.default(1e-6),
  sliding_window: windowSchema,
});

export const MISTRAL = defineFamily({
  name: 'mistral',
  types: ['mistral', 'ministral'],
  keys,
  model: (common, { rms_norm_eps: epsilon, sliding_window: window }) => {
    const plain = standardLayer(common);
    const specs = eachLayer(common, (layer) =>
      isWindowed(common, layer, () => true) ? withWindow(plain, window) : plain,
    );
    return { norm: 'rms', epsilon, specs };
  },
});

const readExperts = separateExperts({
  router: 'block_sparse_moe.gate',
  experts: 'block_sparse_moe.experts',
  gate: 'w1',
  up: 'w3',
  down: 'w2',
});

export const MIXTRAL = defineFamily({
  name: 'mixtral',
  types: ['mixtral'],
  keys: keys.extend({
    rms_norm_eps: epsilonSchema.default(1e-5),
    num_local_experts: count(MAX_EXPERTS).default(8),
    num_experts_per_tok: count(MAX_EXPERTS).default(2),
  }),
  defaults: { rope_theta: 1_000_000 },
  model: (common, own) => {
    const mlp = checkedExperts(common, {
      kind: 'experts',
      count: own.num_local_experts,
      chosen: own.num_experts_per_tok,
      feedForward: common.feedForward,
      softmaxOver: 'chosen',
      activation: { kind: 'silu' },
    });
    const spec = withWindow({ ...standardLayer(common), mlp }, own.sliding_window);
    return { norm: 'rms', epsilon: own.rms_norm_eps, specs: [spec], readers: { experts: readExperts } };
  },
});
