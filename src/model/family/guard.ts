/**
 * Refuses what a model asks for and its family, as it is written here, does not do: keys of the config that change what is
 * computed, and tensors that nobody read. A model is never run wrongly in silence.
 */
import { KvrError } from '../../core/errors.js';
import { printable } from '../checkpoint/printable.js';
import type { TensorSource } from '../checkpoint/safetensors.js';
import { type ConfigFile, unsupported } from './config-limits.js';

/** Keys that change what is computed, with the values that change nothing. null and a missing key change nothing either. */
const COMPUTING_KEYS: Readonly<Record<string, readonly unknown[]>> = {
  alibi: [false],
  attention_multiplier: [],
  attn_logit_softcapping: [],
  clip_qkv: [],
  cross_layer_attention: [false],
  decoder_sparse_step: [1],
  embedding_multiplier: [1],
  final_logit_softcapping: [],
  kv_lora_rank: [],
  logit_scale: [1],
  logits_scaling: [1],
  moe_intermediate_size: [],
  n_shared_experts: [0],
  no_rope_layers: [[]],
  num_experts: [0, 1],
  num_local_experts: [0, 1],
  partial_rotary_factor: [1],
  qk_layernorm: [false],
  quantization_config: [],
  query_pre_attn_scalar: [],
  residual_multiplier: [1],
  rotary_pct: [1],
  scale_attn_by_inverse_layer_idx: [false],
  shared_expert_intermediate_size: [0],
  sliding_window: [],
  swiglu_limit: [],
  use_bidirectional_attention: [false],
  use_cross_attention: [false],
  add_cross_attention: [false],
  use_parallel_residual: [false],
  use_qk_norm: [false],
  use_sliding_window: [false],
};

/** @param read keys that the family reads. @throws UNSUPPORTED_MODEL with the key and its value */
export function checkKeys({ json, path }: ConfigFile, read: readonly string[], family: string): void {
  for (const [key, value] of Object.entries(json as Record<string, unknown>)) {
    const neutral = Object.hasOwn(COMPUTING_KEYS, key) ? COMPUTING_KEYS[key] : undefined;
    if (!neutral || value === null || read.includes(key)) continue;
    if (key === 'quantization_config')
      throw unsupported(path, 'a quantised checkpoint (quantization_config)', 'F32, F16 and BF16 weights');
    const text = JSON.stringify(value);
    if (neutral.some((each) => JSON.stringify(each) === text)) continue;
    const allowed = neutral.length === 0 ? 'null' : neutral.map((each) => JSON.stringify(each)).join(' or ');
    throw unsupported(path, `${key} ${text.slice(0, 60)} of a ${family}`, `${key} ${allowed}`);
  }
}

/** Buffers that other programs store beside weights, towers of other senses, and heads that are the embedding once more. */
const IGNORED_TENSORS = [
  /rotary_emb\.inv_freq$/,
  /\.(attn|attention|self_attn|self_attention)\.(bias|masked_bias)$/,
  /^(model\.)?(vision_tower|vision_model|visual|multi_modal_projector|audio_tower)\./,
  /^(language_model\.)?lm_head\.weight$/,
];

/** Notes which tensors are asked for. */
export class ReadTensors {
  readonly source: TensorSource;
  readonly #read = new Set<string>();

  constructor(source: TensorSource) {
    this.source = {
      ...source,
      matrix: (name, ...sizes) => source.matrix(this.#note(name), ...sizes),
      vector: (name, length) => source.vector(this.#note(name), length),
      column: (name, length) => source.column(this.#note(name), length),
      stacked: (name, sizes) => source.stacked(this.#note(name), sizes),
      bytes: (name, sizes) => source.bytes(this.#note(name), sizes),
    };
  }

  /** @throws UNSUPPORTED_MODEL naming a tensor that has no place in the model as it was understood */
  check(path: string, family: string): void {
    const isKnown = (name: string): boolean =>
      this.#read.has(name) || IGNORED_TENSORS.some((pattern) => pattern.test(name));
    const unread = this.source.names().filter((name) => !isKnown(name));
    if (unread.length === 0) return;
    const others = unread.length > 1 ? ` and ${unread.length - 1} others` : '';
    throw new KvrError(
      'UNSUPPORTED_MODEL',
      `${path}: tensor ${printable(unread[0] ?? '')}${others} has no place in a ${family} as we know it; without it answers would be wrong, so use another checkpoint`,
    );
  }

  #note(name: string): string {
    this.#read.add(name);
    return name;
  }
}
