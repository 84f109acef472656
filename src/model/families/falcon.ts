/**
 * Falcon in three generations: one KV head and one norm (7B), grouped KV heads and two norms or one (40B, 11B), and as many
 * KV heads as heads. The MLP runs beside attention, or after it. Positions are rotary, or ALiBi (falcon-rw), whose distances are
 * scaled as scores are.
 */
import { z } from 'zod';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import * as limits from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { standardLayer } from '../family/standard-layer.js';
import { LLAMA_NAMES, type TensorNames } from '../family/tensor-names.js';

/** The model_type of the 40B before others knew it; its layout was not written into the config. */
const OLD_GROUPED_TYPE = 'RefinedWeb';

const layers = limits.count(limits.MAX_LAYERS);
const heads = limits.count(limits.MAX_HEADS);
const keys = z.object({
  model_type: z.string(),
  hidden_size: limits.count(limits.MAX_HIDDEN),
  n_layer: layers.nullish(),
  n_head: heads.nullish(),
  num_attention_heads: heads.nullish(),
  num_kv_heads: heads.nullish(),
  n_head_kv: heads.nullish(),
  ffn_hidden_size: limits.count(limits.MAX_FEED_FORWARD).nullish(),
  layer_norm_epsilon: limits.epsilonSchema.default(1e-5),
  activation: z.string().max(64).default('gelu'),
  alibi: z.boolean().default(false),
  bias: z.boolean().default(false),
  multi_query: z.boolean().default(true),
  parallel_attn: z.boolean().default(true),
  new_decoder_architecture: z.boolean().nullish(),
  num_ln_in_parallel_attn: z.number().int().min(1).max(2).nullish(),
});
type FalconConfig = z.infer<typeof keys>;

export const FALCON = defineFamily({
  name: 'falcon',
  types: ['falcon', OLD_GROUPED_TYPE, 'RefinedWebModel'],
  keys,
  commonKeys: (own) => ({
    num_hidden_layers: own.n_layer,
    num_attention_heads: own.n_head,
    num_key_value_heads: kvHeadsOf(own),
    intermediate_size: own.ffn_hidden_size ?? 4 * own.hidden_size,
    hidden_act: own.activation,
  }),
  model: (common, own) => {
    checkSupported(own, common.file.path);
    const hasTwoNorms = isGrouped(own) && (own.num_ln_in_parallel_attn ?? 2) === 2;
    const layer = standardLayer(common, { activation: 'gelu', mlp: 'plain' });
    const { rotary, ...unturned } = layer.attention;
    const spec: LayerSpec = {
      ...layer,
      attention: own.alibi ? { ...unturned, alibiScale: unturned.scale } : { ...unturned, rotary },
      residual: own.parallel_attn ? 'parallel' : 'sequential',
      sharesNorm: own.parallel_attn && !hasTwoNorms,
    };
    return {
      norm: 'layer',
      epsilon: own.layer_norm_epsilon,
      specs: [spec],
      isTied: true,
      names: hasTwoNorms ? withNorms('ln_attn', 'ln_mlp') : NAMES,
      readers: { attentionBias: own.bias, mlpBias: own.bias },
    };
  },
});

const NAMES: TensorNames = {
  ...LLAMA_NAMES,
  roots: ['transformer.', ''],
  embedding: 'word_embeddings',
  finalNorm: 'ln_f',
  layers: 'h',
  layer: {
    ...LLAMA_NAMES.layer,
    qkv: { name: 'self_attention.query_key_value', order: 'groups' },
    o: 'self_attention.dense',
    up: 'mlp.dense_h_to_4h',
    down: 'mlp.dense_4h_to_h',
  },
};

function withNorms(attentionNorm: string, mlpNorm: string): TensorNames {
  return { ...NAMES, layer: { ...NAMES.layer, attentionNorm, mlpNorm } };
}

function checkSupported(config: FalconConfig, path: string): void {
  if (config.activation !== 'gelu') throw limits.unsupported(path, `activation ${config.activation}`, 'gelu');
  if (isGrouped(config) && !config.parallel_attn) {
    throw limits.unsupported(path, 'new_decoder_architecture without parallel_attn', 'both, or neither');
  }
}

function isGrouped(config: FalconConfig): boolean {
  return config.new_decoder_architecture ?? config.model_type === OLD_GROUPED_TYPE;
}

/** Only the grouped layout reads num_kv_heads; configs of the others hold a number that means nothing. */
function kvHeadsOf(config: FalconConfig): number | null | undefined {
  const queryHeads = config.num_attention_heads ?? config.n_head;
  if (isGrouped(config)) return config.num_kv_heads ?? config.n_head_kv ?? queryHeads;
  return config.multi_query ? 1 : queryHeads;
}
