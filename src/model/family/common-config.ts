/**
 * The keys of a config.json that nearly every family has, under one name each.
 */
import { z } from 'zod';
import type { Activation } from '../../core/layers/layer-spec.js';
import { checkJson } from '../checkpoint/json-file.js';
import * as limits from './config-limits.js';
import type { ConfigFile } from './config-limits.js';

const layerTypesSchema = z.array(z.enum(['full_attention', 'sliding_attention'])).max(limits.MAX_LAYERS);

const schema = z.object({
  vocab_size: limits.count(limits.MAX_VOCABULARY),
  hidden_size: limits.count(limits.MAX_HIDDEN),
  intermediate_size: limits.count(limits.MAX_FEED_FORWARD),
  num_hidden_layers: limits.count(limits.MAX_LAYERS),
  num_attention_heads: limits.count(limits.MAX_HEADS),
  num_key_value_heads: limits.count(limits.MAX_HEADS).nullish(),
  head_dim: limits.count(limits.MAX_HEAD_DIM).nullish(),
  max_position_embeddings: limits.count(limits.MAX_CONTEXT_TOKENS).default(2048),
  hidden_act: z.string().max(64).nullish(),
  hidden_activation: z.string().max(64).nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  layer_types: layerTypesSchema.nullish(),
});

export type CommonConfig = {
  readonly file: ConfigFile;
  readonly vocabulary: number;
  readonly hidden: number;
  readonly feedForward: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly contextTokens: number;
  /** As the config writes it; undefined where it does not. */
  readonly activation: string | undefined;
  readonly activationKey: 'hidden_activation' | 'hidden_act';
  /** What biases the config announces; undefined where it does not say. */
  readonly attentionBias: boolean | undefined;
  readonly mlpBias: boolean | undefined;
  readonly isTied: boolean | undefined;
  readonly layerTypes: z.infer<typeof layerTypesSchema> | undefined;
};

/** @throws BAD_CHECKPOINT */
export function readCommon(file: ConfigFile): CommonConfig {
  const config = checkJson(schema, file.json, file.path);
  const heads = config.num_attention_heads;
  const common = {
    file,
    vocabulary: config.vocab_size,
    hidden: config.hidden_size,
    feedForward: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads,
    kvHeads: config.num_key_value_heads ?? heads,
    headDim: config.head_dim ?? limits.headDimOf(config.hidden_size, heads, file.path),
    contextTokens: config.max_position_embeddings,
    activation: config.hidden_activation ?? config.hidden_act ?? undefined,
    activationKey: config.hidden_activation ? ('hidden_activation' as const) : ('hidden_act' as const),
    attentionBias: config.attention_bias ?? undefined,
    mlpBias: config.mlp_bias ?? undefined,
    isTied: config.tie_word_embeddings ?? undefined,
    layerTypes: config.layer_types ?? undefined,
  };
  checkEachLayer(common, 'layer_types', common.layerTypes);
  return limits.checkHeads(common, file.path);
}

/** @throws BAD_CHECKPOINT where a list that should have an entry for each layer has others */
export function checkEachLayer(
  { layers, file }: CommonConfig,
  key: string,
  list: readonly unknown[] | undefined,
): void {
  if (list === undefined || list.length === layers) return;
  const exact = z.array(z.unknown()).length(layers, `it must have ${layers} entries, one a layer`);
  checkJson(z.object({ [key]: exact }), file.json, file.path);
}

const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['gelu', 'gelu'],
  ['gelu_new', 'gelu-tanh'],
  ['gelu_fast', 'gelu-tanh'],
  ['gelu_pytorch_tanh', 'gelu-tanh'],
]);

/** @throws UNSUPPORTED_MODEL for another one, by name */
export function activationOf(
  { activation, activationKey, file }: CommonConfig,
  fallback: Activation,
): Activation {
  if (activation === undefined) return fallback;
  const known = ACTIVATIONS.get(activation);
  if (known) return known;
  throw limits.unsupported(file.path, `${activationKey} ${activation}`, [...ACTIVATIONS.keys()].join(', '));
}
