/**
 * Qwen 3: norms on the heads of queries and keys, and a head dimension of its own. With experts: Qwen 3 MoE.
 */
import { z } from 'zod';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import type { CommonConfig } from '../family/common-config.js';
import { count, MAX_EXPERTS, MAX_FEED_FORWARD, MAX_LAYERS } from '../family/config-limits.js';
import { checkedExperts } from '../family/experts.js';
import { defineFamily } from '../family/family.js';
import { separateExperts } from '../family/separate-experts.js';
import { standardLayer, withAttention } from '../family/standard-layer.js';
import { qwenKeys, qwenLayers } from './qwen2.js';

const keys = qwenKeys.extend({
  /** Some files say it; there is no such model without. */
  use_qk_norm: z.literal(true).nullish(),
});

export const QWEN3 = defineFamily({
  name: 'qwen3',
  types: ['qwen3'],
  keys,
  defaults: { head_dim: 128 },
  model: (common, own) => ({ norm: 'rms', epsilon: own.rms_norm_eps, specs: layersOf(common, own) }),
});

export const QWEN3_MOE = defineFamily({
  name: 'qwen3_moe',
  types: ['qwen3_moe'],
  keys: keys.extend({
    num_experts: count(MAX_EXPERTS).default(128),
    num_experts_per_tok: count(MAX_EXPERTS).default(8),
    moe_intermediate_size: count(MAX_FEED_FORWARD).default(768),
    norm_topk_prob: z.boolean().default(false),
    decoder_sparse_step: count(MAX_LAYERS).default(1),
    mlp_only_layers: z.array(z.number().int().min(0).max(MAX_LAYERS)).max(MAX_LAYERS).nullish(),
  }),
  model: (common, own) => {
    const mlp = checkedExperts(common, {
      kind: 'experts',
      count: own.num_experts,
      chosen: own.num_experts_per_tok,
      feedForward: own.moe_intermediate_size,
      softmaxOver: own.norm_topk_prob ? 'chosen' : 'all',
      activation: { kind: 'silu' },
    });
    const hasExperts = (layer: number): boolean =>
      !own.mlp_only_layers?.includes(layer) && (layer + 1) % own.decoder_sparse_step === 0;
    const specs = layersOf(common, own).map((spec, layer) => (hasExperts(layer) ? { ...spec, mlp } : spec));
    return { norm: 'rms', epsilon: own.rms_norm_eps, specs, readers: { experts: separateExperts() } };
  },
});

function layersOf(common: CommonConfig, own: z.infer<typeof qwenKeys>): LayerSpec[] {
  return qwenLayers(common, own, withAttention(standardLayer(common), { queryKeyNorm: 'head' }));
}
