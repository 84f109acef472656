/**
 * gpt-oss: experts with biases and clamped activations, sinks in every softmax, a window on every second layer. Weights of
 * experts come as BF16 tensors, input first, or as MXFP4 blocks, or an expert at a time.
 */
import { z } from 'zod';
import { count, epsilonSchema, MAX_EXPERTS, scalarSchema, windowSchema } from '../family/config-limits.js';
import { checkedExperts } from '../family/experts.js';
import { defineFamily } from '../family/family.js';
import { readEitherExperts } from '../family/separate-experts.js';
import { eachLayer, isWindowed, standardLayer, withAttention, withWindow } from '../family/standard-layer.js';

const mxfp4 = z.object({ quant_method: z.literal('mxfp4') });

export const GPT_OSS = defineFamily({
  name: 'gpt_oss',
  types: ['gpt_oss'],
  keys: z.object({
    rms_norm_eps: epsilonSchema.default(1e-5),
    num_local_experts: count(MAX_EXPERTS).default(128),
    num_experts_per_tok: count(MAX_EXPERTS).nullish(),
    experts_per_token: count(MAX_EXPERTS).nullish(),
    swiglu_limit: scalarSchema.default(7),
    sliding_window: windowSchema,
    quantization_config: mxfp4.nullish(),
  }),
  defaults: { head_dim: 64, sliding_window: 128, rope_theta: 150_000 },
  model: (common, own) => {
    const mlp = checkedExperts(common, {
      kind: 'experts',
      count: own.num_local_experts,
      chosen: own.num_experts_per_tok ?? own.experts_per_token ?? 4,
      feedForward: common.feedForward,
      softmaxOver: 'chosen',
      activation: { kind: 'clamped', limit: own.swiglu_limit },
    });
    const full = withAttention({ ...standardLayer(common), mlp }, { hasSinks: true });
    const specs = eachLayer(common, (layer) =>
      isWindowed(common, layer, () => layer % 2 === 0) ? withWindow(full, own.sliding_window) : full,
    );
    return { norm: 'rms', epsilon: own.rms_norm_eps, specs, readers: { experts: readEitherExperts } };
  },
});
