/**
 * What a table of an architecture says: how the metadata and tensor names of a GGUF file become those of the config.json
 * and the weight files that the same model has at HuggingFace. Source: GGUF's naming conventions and the configs and
 * tensor names that transformers reads.
 */
import type { ModelFacts } from './model-facts.js';

export type ArchitectureTable = {
  /** config.json's model_type. */
  readonly modelType: string;
  /** Metadata key, without the architecture in front, → config key, beside those that all have. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Config keys that every such model has alike, and that the file does not name. */
  readonly fixed?: Readonly<Record<string, unknown>>;
  /** Config keys that follow from several things. */
  readonly derived?: (facts: ModelFacts) => Readonly<Record<string, unknown>>;
  /** Parts of rope_scaling that the file does not name, where it has one. */
  readonly scaling?: Readonly<Record<string, unknown>>;
  /** Before the names below, with N for the layer. */
  readonly layerPrefix?: string;
  /** blk.N.NAME → name of the same tensor; `.weight` and `.bias` stay. */
  readonly layer: Readonly<Record<string, TensorName>>;
  /** Tensors outside the layers, beside or instead of the usual ones. */
  readonly outer?: Readonly<Record<string, TensorName>>;
  /** Rows of attn_q and attn_k lie in pairs of neighbours. */
  readonly hasNeighbours?: boolean;
  /** Norms are stored as 1 + w. */
  readonly hasWholeNorms?: boolean;
};

/**
 * A name with * stands for one tensor for each index of the outermost dimension, from 0 up. Three names are the queries,
 * keys and values that lie below each other. 'grouped' is one tensor again, with the rows of each KV head together. A 'bare'
 * name goes without .weight.
 */
export type TensorName =
  | string
  | readonly [q: string, k: string, v: string]
  | { readonly grouped: string }
  | { readonly bare: string };

const ATTENTION = {
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
} as const;

const MLP = {
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
} as const;

const NORMS = { attn_norm: 'input_layernorm', ffn_norm: 'post_attention_layernorm' } as const;

/** Names of the layers' tensors that several architectures share. */
export const NAMES = {
  attention: ATTENTION,
  mlp: MLP,
  norms: NORMS,
  headNorms: { attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' },
  llama: { ...ATTENTION, ...MLP, ...NORMS },
} as const;
