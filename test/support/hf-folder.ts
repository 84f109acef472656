/**
 * Saves a checkpoint that lies in memory as a HuggingFace folder: config.json and model.safetensors, f32, in the
 * Llama or Falcon layout. Written from those formats' description, so that the code that reads them is tested too.
 * Called by the tests that load models they make themselves.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  Checkpoint,
  LayerWeights,
  LinearWeights,
  MlpWeights,
  NormWeights,
  WeightMatrix,
} from '../../src/core/checkpoint.js';
import type { Rotary } from '../../src/core/layers/rotary.js';
import { layerSpec, type ModelShape } from '../../src/core/shape.js';
import { type TensorToWrite, writeSafetensors } from '../../src/model/checkpoint/safetensors-writer.js';

export type HfFolderOptions = {
  /** Ids that end generation; none unless given. */
  readonly eosIds?: readonly number[];
};

/** Creates `folder` and writes both files; an existing folder's files are overwritten. */
export async function saveHfFolder(
  checkpoint: Checkpoint,
  folder: string,
  { eosIds = [] }: HfFolderOptions = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const isLlama = checkpoint.shape.architecture === 'llama';
  const tensors = isLlama ? await llamaTensors(checkpoint) : await falconTensors(checkpoint);
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  const config = isLlama ? llamaConfig(checkpoint) : falconConfig(checkpoint);
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, eos_token_id: [...eosIds] }));
}

function llamaConfig(checkpoint: Checkpoint): object {
  const { shape } = checkpoint;
  const { q, mlp } = checkpoint.layer(0);
  return {
    ...commonConfig(shape),
    model_type: 'llama',
    intermediate_size: shape.feedForward,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    rms_norm_eps: shape.normEpsilon,
    attention_bias: q.bias !== undefined,
    mlp_bias: denseOf(mlp).up.bias !== undefined,
  };
}

function falconConfig(checkpoint: Checkpoint): object {
  const { shape } = checkpoint;
  const spec = layerSpec(shape, 0);
  const isGrouped = shape.kvHeads !== 1 && shape.kvHeads !== shape.heads;
  return {
    ...commonConfig(shape),
    model_type: 'falcon',
    ffn_hidden_size: shape.feedForward,
    num_kv_heads: shape.kvHeads,
    layer_norm_epsilon: shape.normEpsilon,
    multi_query: shape.kvHeads === 1,
    parallel_attn: spec.residual === 'parallel',
    new_decoder_architecture: isGrouped,
    num_ln_in_parallel_attn: isGrouped ? (spec.sharesNorm ? 1 : 2) : null,
    bias: checkpoint.layer(0).q.bias !== undefined,
  };
}

function commonConfig(shape: ModelShape): object {
  return {
    vocab_size: shape.vocabulary,
    hidden_size: shape.hidden,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    max_position_embeddings: shape.contextTokens,
    rope_theta: rotaryOf(shape).theta,
    rope_scaling: ropeScaling(rotaryOf(shape)),
    tie_word_embeddings: shape.tiedHead,
  };
}

function rotaryOf(shape: ModelShape): Rotary {
  const { rotary } = layerSpec(shape, 0).attention;
  if (!rotary) throw new Error('a folder of this kind has rotary positions');
  return rotary;
}

function denseOf(mlp: LayerWeights['mlp']): MlpWeights {
  if (mlp.kind !== 'dense') throw new Error('a folder of this kind has dense MLPs');
  return mlp;
}

function normOf(norm: NormWeights | undefined): NormWeights {
  if (!norm) throw new Error('a layer of this kind has a norm before attention');
  return norm;
}

function ropeScaling({ scaling }: Rotary): object | null {
  switch (scaling.kind) {
    case 'none':
      return null;
    case 'linear':
      return { type: 'linear', factor: scaling.factor };
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: scaling.factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalContextTokens,
      };
    default:
      throw new Error(`folders with rope scaling ${scaling.kind} are not written here`);
  }
}

/** Collects tensors under their names. */
class TensorList {
  readonly tensors: TensorToWrite[] = [];

  async matrix(name: string, matrix: WeightMatrix): Promise<void> {
    const data = await matrix.read(0, matrix.rows);
    this.tensors.push({ name, shape: [matrix.rows, matrix.columns], data });
  }

  async norm(name: string, { weight, bias }: NormWeights): Promise<void> {
    await this.#vector(`${name}.weight`, weight);
    if (bias) await this.#vector(`${name}.bias`, bias);
  }

  async linear(name: string, { weight, bias }: LinearWeights): Promise<void> {
    await this.matrix(`${name}.weight`, weight);
    if (bias) await this.#vector(`${name}.bias`, bias);
  }

  /** Falcon's one matrix for all three: of each KV head in turn its query heads, its key head and its value head. */
  async fused(
    name: string,
    shape: ModelShape,
    q: LinearWeights,
    k: LinearWeights,
    v: LinearWeights,
  ): Promise<void> {
    const weights = await interleaved(shape, q.weight, k.weight, v.weight);
    this.tensors.push({
      name: `${name}.weight`,
      shape: [weights.length / shape.hidden, shape.hidden],
      data: weights,
    });
    if (!q.bias || !k.bias || !v.bias) return;
    const biases = await interleaved(shape, column(q.bias), column(k.bias), column(v.bias));
    this.tensors.push({ name: `${name}.bias`, shape: [biases.length], data: biases });
  }

  async #vector(name: string, vector: WeightMatrix): Promise<void> {
    this.tensors.push({ name, shape: [vector.columns], data: await vector.read(0, 1) });
  }
}

/** A vector [1, n] as a matrix [n, 1]. */
function column(vector: WeightMatrix): WeightMatrix {
  return {
    rows: vector.columns,
    columns: 1,
    read: async (start, end) => (await vector.read(0, 1)).subarray(start, end),
  };
}

async function interleaved(
  shape: ModelShape,
  q: WeightMatrix,
  k: WeightMatrix,
  v: WeightMatrix,
): Promise<Float32Array> {
  const { headDim, heads, kvHeads } = shape;
  const group = heads / kvHeads;
  const parts: Float32Array[] = [];
  for (let head = 0; head < kvHeads; head++) {
    parts.push(await q.read(head * group * headDim, (head + 1) * group * headDim));
    parts.push(await k.read(head * headDim, (head + 1) * headDim));
    parts.push(await v.read(head * headDim, (head + 1) * headDim));
  }
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

async function llamaTensors(checkpoint: Checkpoint): Promise<TensorToWrite[]> {
  const list = new TensorList();
  await list.matrix('model.embed_tokens.weight', checkpoint.embedding);
  await list.norm('model.norm', checkpoint.finalNorm);
  if (!checkpoint.shape.tiedHead) await list.linear('lm_head', checkpoint.head);
  for (let index = 0; index < checkpoint.shape.layers; index++) {
    const layer = checkpoint.layer(index);
    const prefix = `model.layers.${index}`;
    const { gate, up, down } = denseOf(layer.mlp);
    await list.norm(`${prefix}.input_layernorm`, normOf(layer.attentionNorm));
    if (layer.mlpNorm) await list.norm(`${prefix}.post_attention_layernorm`, layer.mlpNorm);
    for (const name of ['q', 'k', 'v', 'o'] as const)
      await list.linear(`${prefix}.self_attn.${name}_proj`, layer[name]);
    if (gate) await list.linear(`${prefix}.mlp.gate_proj`, gate);
    await list.linear(`${prefix}.mlp.up_proj`, up);
    await list.linear(`${prefix}.mlp.down_proj`, down);
  }
  return list.tensors;
}

async function falconTensors(checkpoint: Checkpoint): Promise<TensorToWrite[]> {
  const { shape } = checkpoint;
  const list = new TensorList();
  await list.matrix('transformer.word_embeddings.weight', checkpoint.embedding);
  await list.norm('transformer.ln_f', checkpoint.finalNorm);
  if (!shape.tiedHead) await list.linear('lm_head', checkpoint.head);
  for (let index = 0; index < shape.layers; index++) {
    const layer = checkpoint.layer(index);
    const prefix = `transformer.h.${index}`;
    const isTwin = layerSpec(shape, index).residual === 'parallel' && layer.mlpNorm !== undefined;
    const { up, down } = denseOf(layer.mlp);
    await list.norm(`${prefix}.${isTwin ? 'ln_attn' : 'input_layernorm'}`, normOf(layer.attentionNorm));
    if (layer.mlpNorm)
      await list.norm(`${prefix}.${isTwin ? 'ln_mlp' : 'post_attention_layernorm'}`, layer.mlpNorm);
    await list.fused(`${prefix}.self_attention.query_key_value`, shape, layer.q, layer.k, layer.v);
    await list.linear(`${prefix}.self_attention.dense`, layer.o);
    await list.linear(`${prefix}.mlp.dense_h_to_4h`, up);
    await list.linear(`${prefix}.mlp.dense_4h_to_h`, down);
  }
  return list.tensors;
}
