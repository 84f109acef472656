/**
 * A small config for each family, and by family the keys that decide what is computed, as published configs have them: what
 * config-keys.test.ts spoils one at a time. Written from the families' descriptions, not from our schemas.
 */
export type KeyKind = 'count' | 'positive' | 'flag' | 'text' | 'list';
export type Config = Readonly<Record<string, unknown>>;
type Keys = Readonly<Record<string, KeyKind>>;

const SIZES: Keys = {
  vocab_size: 'count',
  hidden_size: 'count',
  num_hidden_layers: 'count',
  num_attention_heads: 'count',
  max_position_embeddings: 'count',
  tie_word_embeddings: 'flag',
  rope_theta: 'positive',
};
const USUAL: Keys = {
  ...SIZES,
  intermediate_size: 'count',
  num_key_value_heads: 'count',
  head_dim: 'count',
  attention_bias: 'flag',
  hidden_act: 'text',
  layer_types: 'list',
};
const RMS: Keys = { ...USUAL, rms_norm_eps: 'positive' };
const LAYER: Keys = { ...USUAL, layer_norm_eps: 'positive' };
const WINDOW: Keys = { sliding_window: 'count' };
const SWITCHED: Keys = { ...WINDOW, use_sliding_window: 'flag', max_window_layers: 'count' };
const CAPS: Keys = {
  query_pre_attn_scalar: 'positive',
  attn_logit_softcapping: 'positive',
  final_logit_softcapping: 'positive',
};
const SHARE: Keys = { partial_rotary_factor: 'positive' };
const EXPERTS: Keys = { num_experts_per_tok: 'count' };
const PATTERN: Keys = { sliding_window_pattern: 'count', _sliding_window_pattern: 'count' };
const { hidden_act: _named, ...GEMMA }: Keys = { ...RMS, hidden_activation: 'text' };
const { hidden_act: _plain, ...NOT_NAMED }: Keys = USUAL;

/** Keys that a family reads, and what each must be. */
export const READ_KEYS: Readonly<Record<string, Keys>> = {
  llama: { ...RMS, mlp_bias: 'flag' },
  mistral: { ...RMS, ...WINDOW },
  mixtral: { ...RMS, ...WINDOW, ...EXPERTS, num_local_experts: 'count' },
  qwen2: { ...RMS, ...SWITCHED },
  qwen3: { ...RMS, ...SWITCHED },
  qwen3_moe: {
    ...RMS,
    ...SWITCHED,
    ...EXPERTS,
    num_experts: 'count',
    moe_intermediate_size: 'count',
    norm_topk_prob: 'flag',
    decoder_sparse_step: 'count',
    mlp_only_layers: 'list',
  },
  gemma: GEMMA,
  gemma2: { ...GEMMA, ...CAPS, ...WINDOW },
  gemma3_text: { ...GEMMA, ...CAPS, ...WINDOW, ...PATTERN, rope_local_base_freq: 'positive' },
  phi: { ...LAYER, ...SHARE },
  phi3: { ...RMS, ...SHARE, ...WINDOW, original_max_position_embeddings: 'count' },
  olmo2: RMS,
  smollm3: { ...RMS, ...WINDOW, use_sliding_window: 'flag', no_rope_layers: 'list', no_rope_layer_interval: 'count' },
  granite: {
    ...RMS,
    embedding_multiplier: 'positive',
    attention_multiplier: 'positive',
    residual_multiplier: 'positive',
    logits_scaling: 'positive',
  },
  gpt_oss: { ...RMS, ...WINDOW, ...EXPERTS, num_local_experts: 'count', experts_per_token: 'count', swiglu_limit: 'positive' },
  cohere: { ...LAYER, logit_scale: 'positive', use_qk_norm: 'flag' },
  cohere2: { ...LAYER, ...WINDOW, ...PATTERN, logit_scale: 'positive' },
  falcon: {
    ...SIZES,
    num_kv_heads: 'count',
    ffn_hidden_size: 'count',
    layer_norm_epsilon: 'positive',
    activation: 'text',
    alibi: 'flag',
    bias: 'flag',
    multi_query: 'flag',
    parallel_attn: 'flag',
    new_decoder_architecture: 'flag',
    num_ln_in_parallel_attn: 'count',
  },
  gpt_neox: { ...LAYER, rotary_pct: 'positive', rotary_emb_base: 'positive', use_parallel_residual: 'flag' },
  glm4: { ...RMS, ...SHARE },
  stablelm: {
    ...LAYER,
    ...SHARE,
    norm_eps: 'positive',
    rope_pct: 'positive',
    use_qkv_bias: 'flag',
    qk_layernorm: 'flag',
    use_parallel_residual: 'flag',
  },
  starcoder2: { ...NOT_NAMED, ...WINDOW, norm_epsilon: 'positive', use_bias: 'flag' },
}; // prettier-ignore

export function configOf(type: string): Config {
  return {
    model_type: type,
    vocab_size: 97,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    max_position_embeddings: 512,
  };
}

/** Keys that change what is computed, as they are known in the field, each with a value that does so. */
export const FIELD_KEYS: Config = {
  add_cross_attention: true, alibi: true, apply_residual_connection_post_layernorm: true, attention_chunk_size: 8192,
  attention_in_multiplier: 0.9, attention_k_eq_v: true, attention_multiplier: 0.5, attention_out_multiplier: 0.9,
  attention_window_size: 128, attn_logit_softcap: 30, attn_logit_softcapping: 50, attn_output_gate: true,
  attn_output_multiplier: 0.1, attn_temperature_tuning: true, block_configs: [{}], clip_qkv: 8,
  compression_config: { format: 'pack-quantized' }, cross_attention_layers: [3], cross_layer_attention: true,
  decoder_sparse_step: 2, dim_model_base: 256, embedding_multiplier: 12, embedding_multiplier_scale: 78,
  embedding_scale: 2, final_logit_softcap: 30, final_logit_softcapping: 30, first_k_dense_replace: 1, full_attention_interval: 4,
  hidden_size_per_layer_input: 256, hybrid_override_pattern: 'M*M*', interleave_moe_layer_step: 2, is_causal: false,
  is_encoder_decoder: true, key_multiplier: 0.5, kv_lora_rank: 512, layers_block_type: ['mamba'], lm_head_multiplier: 0.04,
  logit_scale: 0.0625, logits_scaling: 8, logits_soft_cap: 15, mlp_multipliers: [0.8, 0.2], moe_intermediate_size: 768,
  moe_layer_freq: 2, n_group: 8, n_routed_experts: 64, n_shared_experts: 1, no_rope_layer_interval: 4, no_rope_layers: [1, 1, 1, 0],
  num_experts: 8, num_kv_shared_layers: 10, num_local_experts: 8, num_shared_experts: 1, output_multiplier_scale: 0.5,
  parallel_attn: true, partial_rotary_factor: 0.5, position_embedding_type: 'alibi', pruned_heads: { 0: [1] }, q_lora_rank: 1536,
  qk_layernorm: true, qk_norm: true, quantization: { bits: 4 }, quantization_config: { quant_method: 'gptq' },
  query_pre_attn_scalar: 224, residual_multiplier: 0.22, rope_interleaved: true, rope_local_base_freq: 10_000, rope_pct: 0.25,
  rope_ratio: 500, rotary_dim: 32, rotary_pct: 0.25, rotary_percent: 0.25, rotary_scaling_factor: 2, routed_scaling_factor: 2.5,
  router_logit_softcapping: 30, scale_attn_by_inverse_layer_idx: true, scale_depth: 1.4, scale_emb: 12, scale_embedding: true,
  scoring_func: 'sigmoid', shared_expert_intermediate_size: 5632, shared_intermediate_size: 512, sliding_window: 4096,
  swiglu_alpha: 2, swiglu_limit: 7, topk_group: 4, topk_method: 'noaux_tc', use_alibi: true, use_bidirectional_attention: true,
  use_cross_attention: true, use_gemma_norm: true, use_mrope: true, use_parallel_residual: true, use_qk_norm: true,
  use_rope: false, use_routing_bias: true, use_sliding_window: true, v_head_dim: 128, window_size: 64,
}; // prettier-ignore
