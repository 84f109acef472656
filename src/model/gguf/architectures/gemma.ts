/**
 * Gemma 1 to 3 (text). Their norms are stored as 1 + w.
 */
import { NAMES, type ArchitectureTable } from './architecture-table.js';
import type { ModelFacts } from './model-facts.js';

const gemma: ArchitectureTable = {
  modelType: 'gemma',
  layer: NAMES.llama,
  hasWholeNorms: true,
  fixed: { hidden_act: 'gelu_pytorch_tanh', hidden_activation: 'gelu_pytorch_tanh', attention_bias: false },
};

const SANDWICH = {
  ...NAMES.attention,
  ...NAMES.mlp,
  attn_norm: 'input_layernorm',
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
} as const;

/** Layers of the two models (27B) whose queries are scaled by hidden/heads instead of the head dimension. */
const WIDE_GEMMA2_LAYERS = 46;
const WIDE_GEMMA3_LAYERS = 62;

function queryScalar(facts: ModelFacts, wideLayers: number): number {
  return facts.layers === wideLayers ? facts.hidden / facts.heads : facts.headDim;
}

const gemma2: ArchitectureTable = {
  modelType: 'gemma2',
  layer: SANDWICH,
  hasWholeNorms: true,
  keys: {
    attn_logit_softcapping: 'attn_logit_softcapping',
    final_logit_softcapping: 'final_logit_softcapping',
    'attention.sliding_window': 'sliding_window',
  },
  fixed: gemma.fixed ?? {},
  derived: (facts) => ({ query_pre_attn_scalar: queryScalar(facts, WIDE_GEMMA2_LAYERS) }),
};

const gemma3: ArchitectureTable = {
  modelType: 'gemma3_text',
  layer: { ...SANDWICH, ...NAMES.headNorms },
  hasWholeNorms: true,
  keys: {
    final_logit_softcapping: 'final_logit_softcapping',
    'attention.sliding_window': 'sliding_window',
  },
  fixed: { ...gemma.fixed, sliding_window_pattern: 6 },
  derived: (facts) => ({
    query_pre_attn_scalar: queryScalar(facts, WIDE_GEMMA3_LAYERS),
    rope_local_base_freq: facts.number('rope.freq_base_swa') ?? 10_000,
  }),
};

export const GEMMA = { gemma, gemma2, gemma3 };
