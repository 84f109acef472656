/**
 * What a family calls its tensors. Names of a layer stand behind `<root><layers>.N.`; each is without `.weight` and `.bias`.
 */
export type LayerNames = {
  readonly attentionNorm: string;
  readonly attentionOutputNorm: string;
  readonly mlpNorm: string;
  readonly mlpOutputNorm: string;
  readonly q: string;
  readonly k: string;
  readonly v: string;
  /** Rows of q, k and v in one tensor, where they are: one part after another, or for each KV head its queries, key and value. */
  readonly qkv?: { readonly name: string; readonly order: 'parts' | 'groups' };
  readonly o: string;
  readonly qNorm: string;
  readonly kNorm: string;
  readonly gate: string;
  readonly up: string;
  /** Rows of gate and up in one tensor, where they are. */
  readonly gateUp?: string;
  readonly down: string;
};

export type TensorNames = {
  /** What may stand before all names but the head's; the first that fits the file's embedding counts. */
  readonly roots: readonly string[];
  readonly embedding: string;
  readonly finalNorm: string;
  readonly layers: string;
  /** With its root. */
  readonly heads: readonly string[];
  readonly layer: LayerNames;
};

/** Llama's names, which most families have but for a few. */
export const LLAMA_NAMES: TensorNames = {
  roots: ['model.', '', 'language_model.model.', 'model.language_model.'],
  embedding: 'embed_tokens',
  finalNorm: 'norm',
  layers: 'layers',
  heads: ['lm_head', 'language_model.lm_head'],
  layer: {
    attentionNorm: 'input_layernorm',
    attentionOutputNorm: 'post_attention_layernorm',
    mlpNorm: 'post_attention_layernorm',
    mlpOutputNorm: 'post_feedforward_layernorm',
    q: 'self_attn.q_proj',
    k: 'self_attn.k_proj',
    v: 'self_attn.v_proj',
    o: 'self_attn.o_proj',
    qNorm: 'self_attn.q_norm',
    kNorm: 'self_attn.k_norm',
    gate: 'mlp.gate_proj',
    up: 'mlp.up_proj',
    down: 'mlp.down_proj',
  },
};

/** Llama's names with others for some of a layer's. */
export function layerNames(change: Partial<LayerNames>): TensorNames {
  return { ...LLAMA_NAMES, layer: { ...LLAMA_NAMES.layer, ...change } };
}
