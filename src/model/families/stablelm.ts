/**
 * StableLM 3B, Zephyr and 2: layer norms, positions on a quarter of each head, biases on queries, keys and values in some;
 * the 12B has a norm of its own for each head and runs attention and MLP side by side.
 */
import { z } from 'zod';
import type { NormWeights } from '../../core/checkpoint.js';
import type { ModelShape } from '../../core/shape.js';
import { joinedVectors } from '../checkpoint/matrix.js';
import { epsilonSchema, shareSchema } from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import type { LayerTensors } from '../family/layer-tensors.js';
import { standardLayer, withAttention } from '../family/standard-layer.js';
import { layerNames } from '../family/tensor-names.js';

const ROTARY_SHARE = 0.25;
const EPSILON = 1e-5;

export const STABLELM = defineFamily({
  name: 'stablelm',
  types: ['stablelm', 'stablelm_epoch'],
  keys: z.object({
    layer_norm_eps: epsilonSchema.nullish(),
    partial_rotary_factor: shareSchema.nullish(),
    /** What the first files called these two. */
    norm_eps: epsilonSchema.nullish(),
    rope_pct: shareSchema.nullish(),
    use_qkv_bias: z.boolean().default(false),
    qk_layernorm: z.boolean().default(false),
    use_parallel_residual: z.boolean().default(false),
  }),
  model: (common, own) => {
    const plain = standardLayer(common, {
      rotaryShare: own.partial_rotary_factor ?? own.rope_pct ?? ROTARY_SHARE,
    });
    const spec = withAttention(plain, { queryKeyNorm: own.qk_layernorm ? 'head' : 'none' });
    const parallel = { residual: 'parallel', sharesNorm: true } as const;
    return {
      norm: 'layer',
      epsilon: own.layer_norm_eps ?? own.norm_eps ?? EPSILON,
      specs: [own.use_parallel_residual ? { ...spec, ...parallel } : spec],
      names: layerNames({ qNorm: 'self_attn.q_layernorm', kNorm: 'self_attn.k_layernorm' }),
      readers: { attentionBias: own.use_qkv_bias, outputBias: false, headNorm: readHeadNorm },
    };
  },
});

/** A tensor for every head. */
function readHeadNorm(
  tensors: LayerTensors,
  name: string,
  heads: number,
  { headDim }: ModelShape,
): NormWeights {
  const weights = Array.from({ length: heads }, (_, head) =>
    tensors.vector(`${name}.norms.${head}.weight`, headDim),
  );
  return { weight: joinedVectors(weights) };
}
