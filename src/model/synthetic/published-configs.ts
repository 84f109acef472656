/**
 * Configs of published models by the names that `synthetic:` knows them by: what decides their shapes, as their config.json
 * has it. Read by the families like any other config.
 */
const QWEN2 = { model_type: 'qwen2', rms_norm_eps: 1e-6, rope_theta: 1e6, vocab_size: 151_936 };
const QWEN3 = { ...QWEN2, model_type: 'qwen3', num_key_value_heads: 8, head_dim: 128 };
const GEMMA3 = { model_type: 'gemma3_text', head_dim: 256, rope_theta: 1e6, query_pre_attn_scalar: 256 };
const LLAMA3_SCALING = {
  rope_type: 'llama3',
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const YARN = { rope_type: 'yarn', factor: 32, original_max_position_embeddings: 4096, truncate: false };

/** layers, hidden, heads, KV heads, feed-forward */
type Sizes = readonly [number, number, number, number, number];

function sized([layers, hidden, heads, kvHeads, feedForward]: Sizes, more: object): object {
  return {
    num_hidden_layers: layers,
    hidden_size: hidden,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    intermediate_size: feedForward,
    ...more,
  };
}

const TIED = { tie_word_embeddings: true };
const GRANITE = {
  model_type: 'granite',
  vocab_size: 49_155,
  embedding_multiplier: 12,
  residual_multiplier: 0.22,
  ...TIED,
};

export const PUBLISHED_CONFIGS: ReadonlyMap<string, object> = new Map([
  [
    'llama-3.2-1b',
    sized([16, 2048, 32, 8, 8192], {
      model_type: 'llama',
      vocab_size: 128_256,
      rope_theta: 5e5,
      rope_scaling: LLAMA3_SCALING,
      ...TIED,
    }),
  ],
  [
    'llama-3.2-3b',
    sized([28, 3072, 24, 8, 8192], {
      model_type: 'llama',
      vocab_size: 128_256,
      rope_theta: 5e5,
      rope_scaling: LLAMA3_SCALING,
      ...TIED,
    }),
  ],
  [
    'mistral-7b',
    sized([32, 4096, 32, 8, 14_336], {
      model_type: 'mistral',
      vocab_size: 32_768,
      rope_theta: 1e6,
      sliding_window: null,
    }),
  ],
  [
    'mistral-7b-v0.1',
    sized([32, 4096, 32, 8, 14_336], { model_type: 'mistral', vocab_size: 32_000, sliding_window: 4096 }),
  ],
  [
    'mixtral-8x7b',
    sized([32, 4096, 32, 8, 14_336], { model_type: 'mixtral', vocab_size: 32_000, rope_theta: 1e6 }),
  ],
  ['qwen2.5-0.5b', sized([24, 896, 14, 2, 4864], { ...QWEN2, ...TIED })],
  ['qwen2.5-1.5b', sized([28, 1536, 12, 2, 8960], { ...QWEN2, ...TIED })],
  ['qwen2.5-7b', sized([28, 3584, 28, 4, 18_944], { ...QWEN2, vocab_size: 152_064 })],
  ['qwen3-0.6b', sized([28, 1024, 16, 8, 3072], { ...QWEN3, ...TIED })],
  ['qwen3-1.7b', sized([28, 2048, 16, 8, 6144], { ...QWEN3, ...TIED })],
  ['qwen3-4b', sized([36, 2560, 32, 8, 9728], { ...QWEN3, ...TIED })],
  ['qwen3-8b', sized([36, 4096, 32, 8, 12_288], QWEN3)],
  [
    'qwen3-30b-a3b',
    sized([48, 2048, 32, 4, 6144], {
      ...QWEN2,
      model_type: 'qwen3_moe',
      head_dim: 128,
      num_experts: 128,
      num_experts_per_tok: 8,
      moe_intermediate_size: 768,
      norm_topk_prob: true,
    }),
  ],
  ['gemma-2b', sized([18, 2048, 8, 1, 16_384], { model_type: 'gemma', head_dim: 256, vocab_size: 256_000 })],
  ['gemma2-2b', sized([26, 2304, 8, 4, 9216], { model_type: 'gemma2', head_dim: 256, vocab_size: 256_000 })],
  [
    'gemma2-9b',
    sized([42, 3584, 16, 8, 14_336], { model_type: 'gemma2', head_dim: 256, vocab_size: 256_000 }),
  ],
  ['gemma3-1b', sized([26, 1152, 4, 1, 6912], { ...GEMMA3, vocab_size: 262_144, sliding_window: 512 })],
  [
    'gemma3-4b',
    sized([34, 2560, 8, 4, 10_240], {
      ...GEMMA3,
      vocab_size: 262_208,
      sliding_window: 1024,
      rope_scaling: { rope_type: 'linear', factor: 8 },
    }),
  ],
  [
    'gemma3-12b',
    sized([48, 3840, 16, 8, 15_360], {
      ...GEMMA3,
      vocab_size: 262_208,
      sliding_window: 1024,
      rope_scaling: { rope_type: 'linear', factor: 8 },
    }),
  ],
  [
    'phi-2',
    sized([32, 2560, 32, 32, 10_240], {
      model_type: 'phi',
      vocab_size: 51_200,
      partial_rotary_factor: 0.4,
      hidden_act: 'gelu_new',
    }),
  ],
  [
    'phi-3-mini',
    sized([32, 3072, 32, 32, 8192], { model_type: 'phi3', vocab_size: 32_064, sliding_window: 2047 }),
  ],
  [
    'phi-4',
    sized([40, 5120, 40, 10, 17_920], { model_type: 'phi3', vocab_size: 100_352, rope_theta: 250_000 }),
  ],
  // Its LongRoPE factors, which speed does not depend on, are left out.
  [
    'phi-4-mini',
    sized([32, 3072, 24, 8, 8192], {
      model_type: 'phi3',
      vocab_size: 200_064,
      partial_rotary_factor: 0.75,
      ...TIED,
    }),
  ],
  [
    'olmo2-1b',
    sized([16, 2048, 16, 16, 8192], { model_type: 'olmo2', vocab_size: 100_352, rope_theta: 5e5 }),
  ],
  [
    'olmo2-7b',
    sized([32, 4096, 32, 32, 11_008], { model_type: 'olmo2', vocab_size: 100_352, rope_theta: 5e5 }),
  ],
  [
    'smollm3-3b',
    sized([36, 2048, 16, 4, 11_008], { model_type: 'smollm3', vocab_size: 128_256, rope_theta: 5e6 }),
  ],
  [
    'granite-3.3-2b',
    sized([40, 2048, 32, 8, 8192], { ...GRANITE, attention_multiplier: 1 / 64, logits_scaling: 8 }),
  ],
  [
    'granite-3.3-8b',
    sized([40, 4096, 32, 8, 12_800], { ...GRANITE, attention_multiplier: 1 / 128, logits_scaling: 16 }),
  ],
  [
    'starcoder2-3b',
    sized([30, 3072, 24, 2, 12_288], {
      model_type: 'starcoder2',
      vocab_size: 49_152,
      rope_theta: 999_999.44,
      sliding_window: 4096,
    }),
  ],
  [
    'gpt-oss-20b',
    sized([24, 2880, 64, 8, 2880], {
      model_type: 'gpt_oss',
      head_dim: 64,
      vocab_size: 201_088,
      num_local_experts: 32,
      num_experts_per_tok: 4,
      sliding_window: 128,
      rope_theta: 150_000,
      rope_scaling: YARN,
    }),
  ],
  [
    'command-r7b',
    sized([32, 4096, 32, 8, 14_336], {
      model_type: 'cohere2',
      vocab_size: 256_000,
      rope_theta: 50_000,
      logit_scale: 0.25,
      sliding_window: 4096,
    }),
  ],
  [
    'pythia-1b',
    sized([16, 2048, 8, 8, 8192], { model_type: 'gpt_neox', vocab_size: 50_304, hidden_act: 'gelu' }),
  ],
  ['glm4-9b', sized([40, 4096, 32, 2, 13_696], { model_type: 'glm4', head_dim: 128, vocab_size: 151_552 })],
  [
    'stablelm-2-1.6b',
    sized([24, 2048, 32, 32, 5632], { model_type: 'stablelm', vocab_size: 100_352, use_qkv_bias: true }),
  ],
]);
