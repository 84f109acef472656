/**
 * Llama 1, 2 and 3.x: config.json → ModelShape, and the tensors' names. RMS norms, sequential residual,
 * gated SiLU, rotary positions, any number of KV heads. Source: the `llama` config and tensor names that
 * HuggingFace transformers writes.
 */
import { z } from 'zod';
import type { LayerWeights, LinearWeights } from '../../core/checkpoint.js';
import type { ModelShape } from '../../core/shape.js';
import { checkJson } from '../checkpoint/json-file.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import * as limits from './config.js';
import type { ConfigFile } from './config.js';
import type { ModelParts } from './parts.js';
import { readRotary } from './rotary.js';

const schema = z.object({
  vocab_size: limits.count(limits.MAX_VOCABULARY),
  hidden_size: limits.count(limits.MAX_HIDDEN),
  intermediate_size: limits.count(limits.MAX_FEED_FORWARD),
  num_hidden_layers: limits.count(limits.MAX_LAYERS),
  num_attention_heads: limits.count(limits.MAX_HEADS),
  num_key_value_heads: limits.count(limits.MAX_HEADS).nullish(),
  head_dim: limits.count(limits.MAX_HEAD_DIM).nullish(),
  max_position_embeddings: limits.count(limits.MAX_CONTEXT_TOKENS).default(2048),
  rms_norm_eps: limits.epsilonSchema.default(1e-6),
  hidden_act: z.string().max(64).default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(false),
});
type LlamaConfig = z.infer<typeof schema>;

/** @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function readLlama(file: ConfigFile, tensors: TensorSource): ModelParts {
  const config = checkJson(schema, file.json, file.path);
  if (config.hidden_act !== 'silu')
    throw limits.unsupported(file.path, `hidden_act ${config.hidden_act}`, 'silu');
  const shape = limits.checkHeads(shapeOf(config, file, tensors), file.path);
  const prefix = tensors.has('model.embed_tokens.weight') ? 'model.' : '';
  const embedding = tensors.matrix(`${prefix}embed_tokens.weight`, shape.vocabulary, shape.hidden);
  return {
    shape,
    embedding,
    finalNorm: { weight: tensors.vector(`${prefix}norm.weight`, shape.hidden) },
    head: {
      weight: shape.tiedHead ? embedding : tensors.matrix('lm_head.weight', shape.vocabulary, shape.hidden),
    },
    layers: Array.from({ length: shape.layers }, (_, index) =>
      layerOf(`${prefix}layers.${index}.`, shape, config, tensors),
    ),
  };
}

function shapeOf(config: LlamaConfig, file: ConfigFile, tensors: TensorSource): ModelShape {
  const heads = config.num_attention_heads;
  const rotary = readRotary(file);
  return {
    architecture: 'llama',
    layers: config.num_hidden_layers,
    hidden: config.hidden_size,
    heads,
    kvHeads: config.num_key_value_heads ?? heads,
    headDim: config.head_dim ?? limits.headDimOf(config.hidden_size, heads, file.path),
    feedForward: config.intermediate_size,
    vocabulary: config.vocab_size,
    contextTokens: config.max_position_embeddings,
    norm: 'rms',
    normEpsilon: config.rms_norm_eps,
    residual: 'sequential',
    sharedNorm: false,
    mlp: 'silu-gated',
    rotaryTheta: rotary.theta,
    rotaryScaling: rotary.scaling,
    tiedHead: config.tie_word_embeddings || !tensors.has('lm_head.weight'),
  };
}

function layerOf(
  prefix: string,
  shape: ModelShape,
  config: LlamaConfig,
  tensors: TensorSource,
): LayerWeights {
  const { hidden, feedForward } = shape;
  const queryColumns = shape.heads * shape.headDim;
  const kvColumns = shape.kvHeads * shape.headDim;
  const linear = (name: string, rows: number, columns: number, hasBias: boolean): LinearWeights => ({
    weight: tensors.matrix(`${prefix}${name}.weight`, rows, columns),
    ...(hasBias ? { bias: tensors.vector(`${prefix}${name}.bias`, rows) } : {}),
  });
  return {
    attentionNorm: { weight: tensors.vector(`${prefix}input_layernorm.weight`, hidden) },
    mlpNorm: { weight: tensors.vector(`${prefix}post_attention_layernorm.weight`, hidden) },
    q: linear('self_attn.q_proj', queryColumns, hidden, config.attention_bias),
    k: linear('self_attn.k_proj', kvColumns, hidden, config.attention_bias),
    v: linear('self_attn.v_proj', kvColumns, hidden, config.attention_bias),
    o: linear('self_attn.o_proj', hidden, queryColumns, config.attention_bias),
    gate: linear('mlp.gate_proj', feedForward, hidden, config.mlp_bias),
    up: linear('mlp.up_proj', feedForward, hidden, config.mlp_bias),
    down: linear('mlp.down_proj', hidden, feedForward, config.mlp_bias),
  };
}
