/**
 * Keys of config.json that change what is computed, as they are known in the field, with the values that change nothing. null
 * and a missing key change nothing either. A family that reads a key says so itself; of all others only these values are taken.
 */
type Neutral = Readonly<Record<string, readonly unknown[]>>;

const ATTENTION: Neutral = {
  add_cross_attention: [false],
  attention_chunk_size: [],
  attention_k_eq_v: [false],
  attention_multiplier: [],
  attention_window_size: [],
  attn_logit_softcap: [],
  attn_logit_softcapping: [],
  attn_output_gate: [false],
  attn_temperature_tuning: [false],
  clip_qkv: [],
  cross_attention_layers: [[]],
  cross_layer_attention: [false],
  full_attn_mod: [1],
  is_causal: [true],
  kv_lora_rank: [],
  num_kv_shared_layers: [0],
  q_lora_rank: [],
  qk_layernorm: [false],
  qk_norm: [false],
  query_pre_attn_scalar: [],
  scale_attn_by_inverse_layer_idx: [false],
  sliding_window: [],
  use_bidirectional_attention: [false],
  use_cross_attention: [false],
  use_qk_norm: [false],
  use_sliding_window: [false],
  v_head_dim: [],
  window_size: [],
};

const POSITIONS: Neutral = {
  alibi: [false],
  interpolate_factor: [1],
  layer_switch: [4],
  no_rope_layer_interval: [0],
  no_rope_layers: [[]],
  partial_rotary_factor: [1],
  position_embedding_type: ['rope', 'rope_gptj', 'rotary'],
  rope_interleaved: [false],
  rope_local_base_freq: [],
  rope_pct: [1],
  rope_ratio: [1],
  rotary_dim: [],
  rotary_pct: [1],
  rotary_percent: [1],
  rotary_scaling_factor: [1],
  use_alibi: [false],
  use_mrope: [false],
  use_rope: [true],
};

const BLOCKS: Neutral = {
  apply_residual_connection_post_layernorm: [false],
  block_configs: [],
  full_attention_interval: [1],
  hidden_size_per_layer_input: [0],
  hybrid_override_pattern: [],
  is_encoder_decoder: [false],
  layers_block_type: [],
  parallel_attn: [false],
  pruned_heads: [{}],
  use_gemma_norm: [false],
  use_parallel_residual: [false],
};

const SCALES: Neutral = {
  attention_in_multiplier: [1],
  attention_out_multiplier: [1],
  attn_output_multiplier: [1],
  dim_model_base: [],
  embedding_multiplier: [1],
  embedding_multiplier_scale: [1],
  embedding_scale: [1],
  final_logit_softcap: [],
  final_logit_softcapping: [],
  key_multiplier: [1],
  lm_head_multiplier: [1],
  logit_scale: [1],
  logits_scaling: [1],
  logits_soft_cap: [],
  mlp_multipliers: [[1, 1]],
  output_multiplier_scale: [1],
  residual_multiplier: [1],
  scale_depth: [],
  scale_emb: [1],
  scale_embedding: [false],
};

const EXPERTS: Neutral = {
  decoder_sparse_step: [1],
  first_k_dense_replace: [0],
  interleave_moe_layer_step: [1],
  moe_intermediate_size: [],
  moe_layer_freq: [1],
  n_group: [1],
  n_routed_experts: [0, 1],
  n_shared_experts: [0],
  num_experts: [0, 1],
  num_local_experts: [0, 1],
  num_shared_experts: [0],
  routed_scaling_factor: [1],
  router_logit_softcapping: [],
  scoring_func: ['softmax'],
  shared_expert_intermediate_size: [0],
  shared_intermediate_size: [0],
  swiglu_alpha: [1.702],
  swiglu_limit: [],
  topk_group: [1],
  topk_method: ['greedy'],
  use_routing_bias: [false],
};

/** Weights that are stored in another way than as numbers. */
export const STORED_OTHERWISE: Neutral = {
  compression_config: [],
  quantization: [],
  quantization_config: [],
};

export const COMPUTING_KEYS: Neutral = {
  ...ATTENTION,
  ...POSITIONS,
  ...BLOCKS,
  ...SCALES,
  ...EXPERTS,
  ...STORED_OTHERWISE,
};
