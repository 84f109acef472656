/**
 * As gguf-families.test.ts, of models that are made here with random weights: layouts that no reference model has.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCheckpoint } from '../src/model/open.js';
import { writeSafetensors } from '../src/model/checkpoint/safetensors-writer.js';
import { seededRandom } from './reference/random.js';
import { BASE, type Config, type Rules, writeAsGguf } from './support/hf-to-gguf.js';
import { expectSameModel } from './support/same-model.js';

type Made = Rules & {
  readonly config: Config;
  /** Outside the layers, and in each of the two. */
  readonly outer: Readonly<Record<string, readonly number[]>>;
  readonly layerRoot?: string;
  readonly layer: Readonly<Record<string, readonly number[]>>;
};

const SIZES = {
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 40,
  max_position_embeddings: 131_072,
};
const OUTER = {
  'model.embed_tokens.weight': [40, 32],
  'model.norm.weight': [32],
  'lm_head.weight': [40, 32],
};
const ATTENTION = {
  'self_attn.q_proj.weight': [32, 32],
  'self_attn.k_proj.weight': [16, 32],
  'self_attn.v_proj.weight': [16, 32],
  'self_attn.o_proj.weight': [32, 32],
};
const NORMS = { 'input_layernorm.weight': [32], 'post_attention_layernorm.weight': [32] };
const MLP = {
  'mlp.gate_proj.weight': [48, 32],
  'mlp.up_proj.weight': [48, 32],
  'mlp.down_proj.weight': [32, 48],
};
const LLAMA = { ...ATTENTION, ...NORMS, ...MLP };

/** The same names with .bias, as long as the weights have rows. */
function biases(shapes: Readonly<Record<string, readonly number[]>>): Record<string, readonly number[]> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, [rows = 0]]) => [name.replace('.weight', '.bias'), [rows]]),
  );
}

const LLAMA3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};

/** What llama3 divides each frequency of a head of `dims` by. */
function llama3Factors(theta: number, dims: number): Float32Array {
  return Float32Array.from({ length: dims / 2 }, (_, j) => {
    const turns = 8192 / (2 * Math.PI * theta ** ((2 * j) / dims));
    const smooth = Math.min(1, Math.max(0, (turns - 1) / 3));
    return 1 / ((1 - smooth) / 8 + smooth);
  });
}

const MODELS: Readonly<Record<string, Made>> = {
  'llama with biases and three ranges of frequencies': {
    architecture: 'llama',
    names: BASE,
    turnsRows: true,
    config: { ...SIZES, model_type: 'llama', rms_norm_eps: 1e-5, rope_theta: 500_000, rope_scaling: LLAMA3, attention_bias: true, tie_word_embeddings: false },
    outer: OUTER,
    layer: { ...LLAMA, ...biases(ATTENTION) },
    more: () => [{ name: 'rope_freqs.weight', shape: [4], data: llama3Factors(500_000, 8) }],
  },
  mixtral: {
    architecture: 'llama',
    names: { ...BASE, 'block_sparse_moe.gate': 'ffn_gate_inp' },
    turnsRows: true,
    keys: () => ({ expert_count: 3, expert_used_count: 2 }),
    config: { ...SIZES, model_type: 'mixtral', rms_norm_eps: 1e-5, rope_theta: 1e6, num_local_experts: 3, num_experts_per_tok: 2, tie_word_embeddings: false },
    outer: OUTER,
    layer: {
      ...ATTENTION,
      ...NORMS,
      'block_sparse_moe.gate.weight': [3, 32],
      ...Object.fromEntries([0, 1, 2].flatMap((expert) => [
        [`block_sparse_moe.experts.${expert}.w1.weight`, [48, 32]],
        [`block_sparse_moe.experts.${expert}.w2.weight`, [32, 48]],
        [`block_sparse_moe.experts.${expert}.w3.weight`, [48, 32]],
      ])),
    },
  },
  gemma: {
    architecture: 'gemma',
    names: BASE,
    addsOne: true,
    config: { ...SIZES, model_type: 'gemma', rms_norm_eps: 1e-6, rope_theta: 10_000, head_dim: 8, hidden_activation: 'gelu_pytorch_tanh' },
    outer: { 'model.embed_tokens.weight': [40, 32], 'model.norm.weight': [32] },
    layer: LLAMA,
  },
  starcoder2: {
    architecture: 'starcoder2',
    names: { ...BASE, 'mlp.c_fc': 'ffn_up', 'mlp.c_proj': 'ffn_down' },
    keys: (config) => ({ 'attention.layer_norm_epsilon': config['norm_epsilon'] }),
    config: { ...SIZES, model_type: 'starcoder2', norm_epsilon: 1e-5, rope_theta: 999_999.44, use_bias: true, hidden_act: 'gelu_pytorch_tanh' },
    outer: { 'model.embed_tokens.weight': [40, 32], 'model.norm.weight': [32], 'model.norm.bias': [32] },
    layer: {
      ...ATTENTION, ...biases(ATTENTION), ...NORMS, ...biases(NORMS),
      'mlp.c_fc.weight': [48, 32], 'mlp.c_fc.bias': [48], 'mlp.c_proj.weight': [32, 48], 'mlp.c_proj.bias': [32],
    },
  },
  cohere2: {
    architecture: 'cohere2',
    names: BASE,
    keys: (config) => ({
      logit_scale: config['logit_scale'],
      'attention.sliding_window': config['sliding_window'],
    }),
    config: { ...SIZES, model_type: 'cohere2', layer_norm_eps: 1e-5, logit_scale: 0.25, rope_theta: 50_000, sliding_window: 64, sliding_window_pattern: 4 },
    outer: { 'model.embed_tokens.weight': [40, 32], 'model.norm.weight': [32] },
    layer: { ...ATTENTION, ...MLP, 'input_layernorm.weight': [32] },
  },
  stablelm: {
    architecture: 'stablelm',
    names: BASE,
    keys: () => ({ 'rope.dimension_count': 2 }),
    config: { ...SIZES, model_type: 'stablelm', layer_norm_eps: 1e-5, rope_theta: 10_000, partial_rotary_factor: 0.25, use_qkv_bias: true, qk_layernorm: false, use_parallel_residual: false, tie_word_embeddings: false },
    outer: { ...OUTER, 'model.norm.bias': [32] },
    layer: { ...LLAMA, ...biases(NORMS), 'self_attn.q_proj.bias': [32], 'self_attn.k_proj.bias': [16], 'self_attn.v_proj.bias': [16] },
  },
  glm4: {
    architecture: 'glm4',
    names: { ...BASE, post_self_attn_layernorm: 'post_attention_norm', post_mlp_layernorm: 'post_ffw_norm', 'mlp.gate_up_proj': 'ffn_up' },
    keys: () => ({ 'rope.dimension_count': 4 }),
    config: { ...SIZES, model_type: 'glm4', rms_norm_eps: 1e-5, rope_theta: 10_000, head_dim: 8, partial_rotary_factor: 0.5, attention_bias: true, tie_word_embeddings: false },
    outer: OUTER,
    layer: {
      ...ATTENTION, ...NORMS, 'self_attn.q_proj.bias': [32], 'self_attn.k_proj.bias': [16], 'self_attn.v_proj.bias': [16],
      'post_self_attn_layernorm.weight': [32], 'post_mlp_layernorm.weight': [32],
      'mlp.gate_up_proj.weight': [96, 32], 'mlp.down_proj.weight': [32, 48],
    },
  },
  'falcon of two norms': {
    architecture: 'falcon',
    names: {
      'self_attention.query_key_value': 'attn_qkv', 'self_attention.dense': 'attn_output',
      'mlp.dense_h_to_4h': 'ffn_up', 'mlp.dense_4h_to_h': 'ffn_down', ln_mlp: 'attn_norm', ln_attn: 'attn_norm_2',
    },
    groups: () => 2,
    keys: (config) => ({
      'attention.layer_norm_epsilon': config['layer_norm_epsilon'],
      'attention.head_count_kv': 2,
      feed_forward_length: config['ffn_hidden_size'],
    }),
    config: { ...SIZES, model_type: 'falcon', layer_norm_epsilon: 1e-5, rope_theta: 10_000, num_kv_heads: 2, ffn_hidden_size: 48, new_decoder_architecture: true, num_ln_in_parallel_attn: 2, multi_query: false, parallel_attn: true, bias: false, alibi: false, tie_word_embeddings: false },
    outer: { 'transformer.word_embeddings.weight': [40, 32], 'transformer.ln_f.weight': [32], 'transformer.ln_f.bias': [32], 'lm_head.weight': [40, 32] },
    layerRoot: 'transformer.h.',
    layer: {
      'self_attention.query_key_value.weight': [64, 32], 'self_attention.dense.weight': [32, 32],
      'mlp.dense_h_to_4h.weight': [48, 32], 'mlp.dense_4h_to_h.weight': [32, 48],
      'ln_mlp.weight': [32], 'ln_mlp.bias': [32], 'ln_attn.weight': [32], 'ln_attn.bias': [32],
    },
  },
  'gpt-neox': {
    architecture: 'gptneox',
    names: {
      'attention.query_key_value': 'attn_qkv', 'attention.dense': 'attn_output', 'mlp.dense_h_to_4h': 'ffn_up',
      'mlp.dense_4h_to_h': 'ffn_down', input_layernorm: 'attn_norm', post_attention_layernorm: 'ffn_norm',
    },
    groups: () => 4,
    keys: () => ({ 'rope.dimension_count': 2, use_parallel_residual: true }),
    config: { ...SIZES, num_key_value_heads: undefined, model_type: 'gpt_neox', layer_norm_eps: 1e-5, rotary_pct: 0.25, rope_theta: 10_000, use_parallel_residual: true, hidden_act: 'gelu', attention_bias: true, tie_word_embeddings: false },
    outer: { 'gpt_neox.embed_in.weight': [40, 32], 'gpt_neox.final_layer_norm.weight': [32], 'gpt_neox.final_layer_norm.bias': [32], 'embed_out.weight': [40, 32] },
    layerRoot: 'gpt_neox.layers.',
    layer: {
      'attention.query_key_value.weight': [96, 32], 'attention.query_key_value.bias': [96],
      'attention.dense.weight': [32, 32], 'attention.dense.bias': [32],
      'mlp.dense_h_to_4h.weight': [48, 32], 'mlp.dense_h_to_4h.bias': [48],
      'mlp.dense_4h_to_h.weight': [32, 48], 'mlp.dense_4h_to_h.bias': [32],
      ...NORMS, ...biases(NORMS),
    },
  },
}; // prettier-ignore

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-gguf-made-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(Object.keys(MODELS))('%s', async (name) => {
  const made = MODELS[name] as Made;
  const plain = join(folder, name);
  await writeFolder(plain, made);
  const gguf = join(folder, `${name}.gguf`);
  await writeAsGguf(plain, ['model.safetensors'], made, gguf);
  await expectSameModel(plain, gguf, join(folder, 'cache'));
});

async function writeFolder(
  path: string,
  { config, outer, layer, layerRoot = 'model.layers.' }: Made,
): Promise<void> {
  mkdirSync(path);
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  const random = seededRandom(3);
  const layers = [0, 1].flatMap((index) =>
    Object.entries(layer).map(([name, shape]) => [`${layerRoot}${index}.${name}`, shape] as const),
  );
  const tensors = [...Object.entries(outer), ...layers].map(([name, shape]) => {
    const values = shape.reduce((product, size) => product * size, 1);
    return { name, shape, data: Float32Array.from({ length: values }, () => random.normal() / 4) };
  });
  await writeSafetensors(join(path, 'model.safetensors'), tensors);
}

test('frequencies that no four numbers make are divided as the file says', async () => {
  const made = MODELS['llama with biases and three ranges of frequencies'] as Made;
  const plain = join(folder, 'odd');
  await writeFolder(plain, made);
  const path = join(folder, 'odd.gguf');
  const data = Float32Array.of(1, 1.5, 2.25, 7);
  const more = () => [{ name: 'rope_freqs.weight', shape: [4], data }];
  await writeAsGguf(plain, ['model.safetensors'], { ...made, more }, path);
  const checkpoint = await openCheckpoint(path, { cacheFolder: join(folder, 'cache') });
  expect(checkpoint.shape.specs[0]?.attention.rotary?.scaling).toMatchObject({
    kind: 'longrope',
    longFactors: [1, 1.5, 2.25, 7],
    shortFactors: [1, 1.5, 2.25, 7],
    attentionFactor: 1,
  });
  await checkpoint.close();
});
