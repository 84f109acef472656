/**
 * Falcon with rotary positions: config.json → ModelShape, and the tensors' names. Three generations: one KV
 * head and one norm (7B), grouped KV heads and two norms or one (40B, 11B), and as many KV heads as heads.
 * Source: the `falcon` config and tensor names that HuggingFace transformers writes.
 */
import { z } from 'zod';
import type { LayerWeights, LinearWeights, NormWeights } from '../../core/checkpoint.js';
import type { ModelShape } from '../../core/shape.js';
import { checkJson } from '../checkpoint/json-file.js';
import { asVector, selectRows } from '../checkpoint/matrix.js';
import type { RowRun } from '../checkpoint/matrix.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import * as limits from './config.js';
import type { ConfigFile } from './config.js';
import { fusedRows } from './fused-rows.js';
import type { ModelParts } from './parts.js';
import { readRotary } from './rotary.js';

/** The model_type of the 40B before transformers knew it; its layout was not written into the config. */
const OLD_GROUPED_TYPE = 'RefinedWeb';

const layers = limits.count(limits.MAX_LAYERS);
const heads = limits.count(limits.MAX_HEADS);
const schema = z.object({
  model_type: z.string(),
  vocab_size: limits.count(limits.MAX_VOCABULARY),
  hidden_size: limits.count(limits.MAX_HIDDEN),
  num_hidden_layers: layers.nullish(),
  n_layer: layers.nullish(),
  num_attention_heads: heads.nullish(),
  n_head: heads.nullish(),
  num_kv_heads: heads.nullish(),
  n_head_kv: heads.nullish(),
  ffn_hidden_size: limits.count(limits.MAX_FEED_FORWARD).nullish(),
  max_position_embeddings: limits.count(limits.MAX_CONTEXT_TOKENS).default(2048),
  layer_norm_epsilon: limits.epsilonSchema.default(1e-5),
  activation: z.string().max(64).default('gelu'),
  alibi: z.boolean().default(false),
  bias: z.boolean().default(false),
  multi_query: z.boolean().default(true),
  parallel_attn: z.boolean().default(true),
  new_decoder_architecture: z.boolean().nullish(),
  num_ln_in_parallel_attn: z.number().int().min(1).max(2).nullish(),
  tie_word_embeddings: z.boolean().default(true),
});
type FalconConfig = z.infer<typeof schema>;

/** What the config says about a layer's make-up, worked out once. */
type Layout = { readonly shape: ModelShape; readonly twoParallelNorms: boolean; readonly hasBias: boolean };

/** @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function readFalcon(file: ConfigFile, tensors: TensorSource): ModelParts {
  const config = checkJson(schema, file.json, file.path);
  checkSupported(config, file.path);
  const layout = layoutOf(config, file, tensors);
  const { shape } = layout;
  const prefix = tensors.has('transformer.word_embeddings.weight') ? 'transformer.' : '';
  const embedding = tensors.matrix(`${prefix}word_embeddings.weight`, shape.vocabulary, shape.hidden);
  return {
    shape,
    embedding,
    finalNorm: normOf(`${prefix}ln_f`, shape, tensors),
    head: {
      weight: shape.tiedHead ? embedding : tensors.matrix('lm_head.weight', shape.vocabulary, shape.hidden),
    },
    layers: Array.from({ length: shape.layers }, (_, index) =>
      layerOf(`${prefix}h.${index}.`, layout, tensors),
    ),
  };
}

function checkSupported(config: FalconConfig, path: string): void {
  if (config.alibi)
    throw limits.unsupported(path, 'a Falcon that places tokens by ALiBi', 'Falcon with rotary positions');
  if (config.activation !== 'gelu') throw limits.unsupported(path, `activation ${config.activation}`, 'gelu');
  if (isGrouped(config) && !config.parallel_attn) {
    throw limits.unsupported(path, 'new_decoder_architecture without parallel_attn', 'both, or neither');
  }
}

function isGrouped(config: FalconConfig): boolean {
  return config.new_decoder_architecture ?? config.model_type === OLD_GROUPED_TYPE;
}

function layoutOf(config: FalconConfig, file: ConfigFile, tensors: TensorSource): Layout {
  const grouped = isGrouped(config);
  const twoParallelNorms = grouped && (config.num_ln_in_parallel_attn ?? 2) === 2;
  const shape: ModelShape = {
    ...sizesOf(config, file.path),
    ...rotaryOf(file),
    architecture: 'falcon',
    norm: 'layer',
    normEpsilon: config.layer_norm_epsilon,
    residual: config.parallel_attn ? 'parallel' : 'sequential',
    sharedNorm: config.parallel_attn && !twoParallelNorms,
    mlp: 'gelu',
    tiedHead: config.tie_word_embeddings || !tensors.has('lm_head.weight'),
  };
  return { shape: limits.checkHeads(shape, file.path), twoParallelNorms, hasBias: config.bias };
}

function sizesOf(config: FalconConfig, path: string) {
  const queryHeads = either(config.num_attention_heads, config.n_head, 'num_attention_heads', path);
  return {
    layers: either(config.num_hidden_layers, config.n_layer, 'num_hidden_layers', path),
    hidden: config.hidden_size,
    heads: queryHeads,
    kvHeads: kvHeadsOf(config, queryHeads),
    headDim: limits.headDimOf(config.hidden_size, queryHeads, path),
    feedForward: config.ffn_hidden_size ?? 4 * config.hidden_size,
    vocabulary: config.vocab_size,
    contextTokens: config.max_position_embeddings,
  };
}

/** Only the grouped layout reads num_kv_heads; configs of the others hold a number that means nothing. */
function kvHeadsOf(config: FalconConfig, queryHeads: number): number {
  if (isGrouped(config)) return config.num_kv_heads ?? config.n_head_kv ?? queryHeads;
  return config.multi_query ? 1 : queryHeads;
}

function either(
  value: number | null | undefined,
  old: number | null | undefined,
  key: string,
  path: string,
): number {
  return value ?? old ?? checkJson(z.object({ [key]: z.number() }), {}, path)[key]!;
}

function rotaryOf(file: ConfigFile): Pick<ModelShape, 'rotaryTheta' | 'rotaryScaling'> {
  const { theta, scaling } = readRotary(file);
  return { rotaryTheta: theta, rotaryScaling: scaling };
}

function layerOf(
  prefix: string,
  { shape, twoParallelNorms, hasBias }: Layout,
  tensors: TensorSource,
): LayerWeights {
  const { hidden, feedForward } = shape;
  const linear = (name: string, rows: number, columns: number): LinearWeights => ({
    weight: tensors.matrix(`${prefix}${name}.weight`, rows, columns),
    ...(hasBias ? { bias: tensors.vector(`${prefix}${name}.bias`, rows) } : {}),
  });
  return {
    ...normsOf(prefix, shape, twoParallelNorms, tensors),
    ...splitFused(`${prefix}self_attention.query_key_value`, shape, hasBias, tensors),
    o: linear('self_attention.dense', hidden, shape.heads * shape.headDim),
    up: linear('mlp.dense_h_to_4h', feedForward, hidden),
    down: linear('mlp.dense_4h_to_h', hidden, feedForward),
  };
}

function normsOf(
  prefix: string,
  shape: ModelShape,
  twoParallelNorms: boolean,
  tensors: TensorSource,
): Pick<LayerWeights, 'attentionNorm' | 'mlpNorm'> {
  const norm = (name: string): NormWeights => normOf(`${prefix}${name}`, shape, tensors);
  if (twoParallelNorms) return { attentionNorm: norm('ln_attn'), mlpNorm: norm('ln_mlp') };
  if (shape.sharedNorm) return { attentionNorm: norm('input_layernorm') };
  return { attentionNorm: norm('input_layernorm'), mlpNorm: norm('post_attention_layernorm') };
}

function normOf(name: string, shape: ModelShape, tensors: TensorSource): NormWeights {
  return {
    weight: tensors.vector(`${name}.weight`, shape.hidden),
    bias: tensors.vector(`${name}.bias`, shape.hidden),
  };
}

function splitFused(
  name: string,
  shape: ModelShape,
  hasBias: boolean,
  tensors: TensorSource,
): Pick<LayerWeights, 'q' | 'k' | 'v'> {
  const rows = (shape.heads + 2 * shape.kvHeads) * shape.headDim;
  const weight = tensors.matrix(`${name}.weight`, rows, shape.hidden);
  const bias = hasBias ? tensors.column(`${name}.bias`, rows) : undefined;
  const part = (runs: readonly RowRun[]): LinearWeights => ({
    weight: selectRows(weight, runs),
    ...(bias === undefined ? {} : { bias: asVector(selectRows(bias, runs)) }),
  });
  const { q, k, v } = fusedRows(shape.heads, shape.kvHeads, shape.headDim);
  return { q: part(q), k: part(k), v: part(v) };
}
