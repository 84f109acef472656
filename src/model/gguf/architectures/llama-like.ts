/**
 * Architectures with Llama's block: llama itself with all models that are written as it, Qwen, SmolLM3, Granite, OLMo 2.
 */
import { NAMES, type ArchitectureTable } from './architecture-table.js';
import { layerIndices, type ModelFacts } from './model-facts.js';

/** Llama, Mistral, Yi, Falcon 3, … The window of old Mistrals is not in the file. */
const llama: ArchitectureTable = {
  modelType: 'llama',
  layer: NAMES.llama,
  hasNeighbours: true,
  derived: ({ hasTensor }) => ({
    attention_bias: hasTensor('blk.0.attn_q.bias'),
    mlp_bias: hasTensor('blk.0.ffn_gate.bias'),
  }),
};

/** `llama` with experts. */
const mixtral: ArchitectureTable = {
  modelType: 'mixtral',
  layer: {
    ...NAMES.attention,
    ...NAMES.norms,
    ffn_gate_inp: 'block_sparse_moe.gate',
    ffn_gate_exps: 'block_sparse_moe.experts.*.w1',
    ffn_down_exps: 'block_sparse_moe.experts.*.w2',
    ffn_up_exps: 'block_sparse_moe.experts.*.w3',
  },
  hasNeighbours: true,
  keys: { expert_count: 'num_local_experts', expert_used_count: 'num_experts_per_tok' },
  fixed: { sliding_window: null },
};

const qwen2: ArchitectureTable = {
  modelType: 'qwen2',
  layer: NAMES.llama,
  fixed: { use_sliding_window: false },
};

const qwen3: ArchitectureTable = {
  modelType: 'qwen3',
  layer: { ...NAMES.llama, ...NAMES.headNorms },
  fixed: { attention_bias: false, use_sliding_window: false },
};

const qwen3moe: ArchitectureTable = {
  modelType: 'qwen3_moe',
  layer: {
    ...qwen3.layer,
    ffn_gate_inp: 'mlp.gate',
    ffn_gate_exps: 'mlp.experts.*.gate_proj',
    ffn_up_exps: 'mlp.experts.*.up_proj',
    ffn_down_exps: 'mlp.experts.*.down_proj',
  },
  keys: {
    expert_count: 'num_experts',
    expert_used_count: 'num_experts_per_tok',
    expert_feed_forward_length: 'moe_intermediate_size',
  },
  fixed: { ...qwen3.fixed, norm_topk_prob: true, decoder_sparse_step: 1 },
  derived: (facts) => ({ mlp_only_layers: denseLayers(facts) }),
};

function denseLayers({ layers, hasTensor }: ModelFacts): number[] {
  return layerIndices(layers).filter((layer) => !hasTensor(`blk.${layer}.ffn_gate_inp.weight`));
}

const smollm3: ArchitectureTable = {
  modelType: 'smollm3',
  layer: NAMES.llama,
  hasNeighbours: true,
  fixed: { no_rope_layer_interval: 4, attention_bias: false, mlp_bias: false, use_sliding_window: false },
};

const granite: ArchitectureTable = {
  modelType: 'granite',
  layer: NAMES.llama,
  hasNeighbours: true,
  keys: {
    embedding_scale: 'embedding_multiplier',
    'attention.scale': 'attention_multiplier',
    residual_scale: 'residual_multiplier',
    logit_scale: 'logits_scaling',
  },
  derived: ({ hasTensor }) => ({
    attention_bias: hasTensor('blk.0.attn_q.bias'),
    mlp_bias: hasTensor('blk.0.ffn_gate.bias'),
  }),
};

/** Norms after attention and MLP only. */
const olmo2: ArchitectureTable = {
  modelType: 'olmo2',
  layer: {
    ...NAMES.attention,
    ...NAMES.mlp,
    ...NAMES.headNorms,
    post_attention_norm: 'post_attention_layernorm',
    post_ffw_norm: 'post_feedforward_layernorm',
  },
  fixed: { attention_bias: false },
};

/** `llama` with a window, as the first Mistral has one. */
const mistral: ArchitectureTable = {
  modelType: 'mistral',
  layer: NAMES.llama,
  hasNeighbours: true,
  keys: { 'attention.sliding_window': 'sliding_window' },
};

export const LLAMA_LIKE = { llama, qwen2, qwen3, qwen3moe, smollm3, granite, olmo2 };
export const LLAMA_VARIANTS = { mixtral, mistral };
