/**
 * Architectures with blocks of their own: Phi, StableLM, StarCoder 2, Command-R, GLM-4, gpt-oss, Falcon, GPT-NeoX.
 */
import { NAMES, type ArchitectureTable } from './architecture-table.js';
import { layerIndices } from './model-facts.js';
import { partialRotary } from './rotary-config.js';

const UNGATED = { ffn_up: 'mlp.fc1', ffn_down: 'mlp.fc2' } as const;
const LAYER_NORM_KEY = { 'attention.layer_norm_epsilon': 'layer_norm_eps' } as const;

const phi2: ArchitectureTable = {
  modelType: 'phi',
  layer: {
    ...NAMES.attention,
    attn_qkv: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
    attn_output: 'self_attn.dense',
    attn_norm: 'input_layernorm',
    ...UNGATED,
  },
  outer: { output_norm: 'model.final_layernorm' },
  keys: LAYER_NORM_KEY,
  fixed: { hidden_act: 'gelu_new', qk_layernorm: false },
  derived: partialRotary,
};

const phi3: ArchitectureTable = {
  modelType: 'phi3',
  layer: {
    attn_qkv: 'self_attn.qkv_proj',
    attn_output: 'self_attn.o_proj',
    ffn_up: 'mlp.gate_up_proj',
    ffn_down: 'mlp.down_proj',
    ...NAMES.norms,
  },
  keys: { 'attention.sliding_window': 'sliding_window' },
  derived: partialRotary,
};

const stablelm: ArchitectureTable = {
  modelType: 'stablelm',
  layer: {
    ...NAMES.llama,
    attn_q_norm: 'self_attn.q_layernorm.norms.*',
    attn_k_norm: 'self_attn.k_layernorm.norms.*',
  },
  keys: LAYER_NORM_KEY,
  derived: (facts) => ({
    partial_rotary_factor: 1,
    ...partialRotary(facts),
    use_qkv_bias: facts.hasTensor('blk.0.attn_q.bias'),
    qk_layernorm: facts.hasTensor('blk.0.attn_q_norm.weight'),
    use_parallel_residual: !facts.hasTensor('blk.0.ffn_norm.weight'),
  }),
};

const starcoder2: ArchitectureTable = {
  modelType: 'starcoder2',
  layer: { ...NAMES.attention, ...NAMES.norms, ffn_up: 'mlp.c_fc', ffn_down: 'mlp.c_proj' },
  keys: { 'attention.layer_norm_epsilon': 'norm_epsilon', 'attention.sliding_window': 'sliding_window' },
  fixed: { hidden_act: 'gelu_pytorch_tanh', sliding_window: null },
  derived: ({ hasTensor }) => ({ use_bias: hasTensor('blk.0.attn_q.bias') }),
};

/** Norms are shared by attention and MLP; the head is the embedding. */
const commandR: ArchitectureTable = {
  modelType: 'cohere',
  layer: {
    ...NAMES.attention,
    ...NAMES.mlp,
    ...NAMES.headNorms,
    attn_norm: 'input_layernorm',
  },
  keys: { ...LAYER_NORM_KEY, logit_scale: 'logit_scale' },
  derived: ({ hasTensor }) => ({ use_qk_norm: hasTensor('blk.0.attn_q_norm.weight') }),
};

const cohere2: ArchitectureTable = {
  modelType: 'cohere2',
  layer: { ...NAMES.attention, ...NAMES.mlp, attn_norm: 'input_layernorm' },
  keys: {
    ...LAYER_NORM_KEY,
    logit_scale: 'logit_scale',
    'attention.sliding_window': 'sliding_window',
  },
  fixed: { sliding_window_pattern: 4 },
};

const glm4: ArchitectureTable = {
  modelType: 'glm4',
  layer: {
    ...NAMES.attention,
    attn_norm: 'input_layernorm',
    post_attention_norm: 'post_self_attn_layernorm',
    ffn_norm: 'post_attention_layernorm',
    post_ffw_norm: 'post_mlp_layernorm',
    ffn_up: 'mlp.gate_up_proj',
    ffn_down: 'mlp.down_proj',
  },
  derived: (facts) => ({
    ...partialRotary(facts),
    attention_bias: facts.hasTensor('blk.0.attn_q.bias'),
  }),
};

const gptOss: ArchitectureTable = {
  modelType: 'gpt_oss',
  layer: {
    ...NAMES.attention,
    attn_sinks: { bare: 'self_attn.sinks' },
    attn_norm: 'input_layernorm',
    post_attention_norm: 'post_attention_layernorm',
    ffn_gate_inp: 'mlp.router',
    ffn_gate_exps: 'mlp.experts.*.gate_proj',
    ffn_up_exps: 'mlp.experts.*.up_proj',
    ffn_down_exps: 'mlp.experts.*.down_proj',
  },
  keys: {
    expert_count: 'num_local_experts',
    expert_used_count: 'num_experts_per_tok',
    expert_feed_forward_length: 'intermediate_size',
    'attention.sliding_window': 'sliding_window',
  },
  fixed: { attention_bias: true, swiglu_limit: 7 },
  scaling: { beta_fast: 32, beta_slow: 1, truncate: false },
  derived: ({ layers }) => ({
    layer_types: layerIndices(layers).map((l) => (l % 2 === 0 ? 'sliding_attention' : 'full_attention')),
  }),
};

const falcon: ArchitectureTable = {
  modelType: 'falcon',
  layerPrefix: 'transformer.h.N.',
  layer: {
    attn_qkv: { grouped: 'self_attention.query_key_value' },
    attn_output: 'self_attention.dense',
    ffn_up: 'mlp.dense_h_to_4h',
    ffn_down: 'mlp.dense_4h_to_h',
    attn_norm: 'input_layernorm',
  },
  outer: { token_embd: 'transformer.word_embeddings', output_norm: 'transformer.ln_f' },
  keys: {
    'attention.layer_norm_epsilon': 'layer_norm_epsilon',
    'attention.head_count_kv': 'num_kv_heads',
    feed_forward_length: 'ffn_hidden_size',
  },
  fixed: { alibi: false, bias: false, parallel_attn: true },
  derived: ({ kvHeads }) => ({
    multi_query: kvHeads === 1,
    new_decoder_architecture: kvHeads > 1,
    num_ln_in_parallel_attn: kvHeads > 1 ? 1 : null,
  }),
};

/** 40B: two norms before attention and MLP. */
const falconOfTwoNorms: ArchitectureTable = {
  ...falcon,
  layer: { ...falcon.layer, attn_norm: 'ln_mlp', attn_norm_2: 'ln_attn' },
  derived: () => ({ multi_query: false, new_decoder_architecture: true, num_ln_in_parallel_attn: 2 }),
};

const gptneox: ArchitectureTable = {
  modelType: 'gpt_neox',
  layerPrefix: 'gpt_neox.layers.N.',
  layer: {
    attn_qkv: { grouped: 'attention.query_key_value' },
    attn_output: 'attention.dense',
    attn_norm: 'input_layernorm',
    ffn_norm: 'post_attention_layernorm',
    ffn_up: 'mlp.dense_h_to_4h',
    ffn_down: 'mlp.dense_4h_to_h',
  },
  outer: {
    token_embd: 'gpt_neox.embed_in',
    output_norm: 'gpt_neox.final_layer_norm',
    output: 'embed_out',
  },
  keys: LAYER_NORM_KEY,
  fixed: { hidden_act: 'gelu', attention_bias: true },
  derived: (facts) => ({
    rotary_pct: (facts.number('rope.dimension_count') ?? facts.headDim) / facts.headDim,
    use_parallel_residual: facts.metadata.boolean(`${facts.architecture}.use_parallel_residual`) ?? true,
  }),
};

export const OTHERS = {
  phi2,
  phi3,
  stablelm,
  starcoder2,
  'command-r': commandR,
  cohere2,
  glm4,
  'gpt-oss': gptOss,
  falcon,
  gptneox,
};
export const FALCON_OF_TWO_NORMS = falconOfTwoNorms;
