/**
 * Metadata that change what a model computes. Where a table does not read such a key, only the value by which it changes
 * nothing is taken: a model is refused rather than run wrongly.
 */
import { notSupported } from '../header/broken.js';
import type { ArchitectureTable } from './architecture-table.js';
import type { ModelFacts } from './model-facts.js';

/** Key → values that change nothing. */
const NEUTRAL: Readonly<Record<string, readonly number[]>> = {
  'attention.sliding_window': [0],
  'attention.clamp_kqv': [0],
  'attention.max_alibi_bias': [0],
  'attention.scale': [],
  'attention.temperature_length': [0],
  'attention.q_lora_rank': [0],
  'attention.kv_lora_rank': [0],
  attn_logit_softcapping: [0],
  final_logit_softcapping: [0],
  router_logit_softcapping: [0],
  logit_scale: [1, 0],
  residual_scale: [1, 0],
  embedding_scale: [1, 0],
  expert_count: [0],
  expert_shared_count: [0],
  expert_weights_scale: [1, 0],
  expert_group_count: [0, 1],
  // Softmax over all experts, or over the chosen; not sigmoid.
  expert_gating_func: [0, 1, 3],
  expert_group_used_count: [0, 1],
  full_attention_interval: [0, 1],
  interleave_moe_layer_step: [0, 1],
  leading_dense_block_count: [0],
  nextn_predict_layers: [0],
  'rope.scaling.yarn_log_multiplier': [0],
};

/** @throws UNSUPPORTED_MODEL naming the key and its value */
export function refuseUnread(facts: ModelFacts, table: ArchitectureTable): void {
  for (const [key, neutral] of Object.entries(NEUTRAL)) {
    const value = facts.number(key);
    if (value === undefined || table.keys?.[key] !== undefined || neutral.includes(value)) continue;
    throw notSupported(
      facts.metadata.path,
      `${facts.architecture}.${key} ${value}`,
      neutral.length > 0 ? neutral.join(' or ') : 'no such key',
    );
  }
  if (facts.metadata.boolean(`${facts.architecture}.attention.causal`) === false)
    throw notSupported(facts.metadata.path, `${facts.architecture}.attention.causal false`, 'true');
  const values = facts.number('attention.value_length');
  if (values === undefined || values === facts.headDim) return;
  const what = `${facts.architecture}.attention.value_length ${values}`;
  throw notSupported(facts.metadata.path, what, `${facts.headDim}, as the keys have`);
}
