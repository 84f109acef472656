/**
 * Gemma 3, the text model: norms on both sides and on heads, five layers of six with a window and positions of their own.
 */
import { z } from 'zod';
import type { LayerSpec } from '../../core/layers/layer-spec.js';
import type { CommonConfig } from '../family/common-config.js';
import {
  capSchema,
  count,
  epsilonSchema,
  MAX_LAYERS,
  scalarSchema,
  thetaSchema,
  windowSchema,
} from '../family/config-limits.js';
import { defineFamily } from '../family/family.js';
import { eachLayer, isWindowed, standardLayer, withAttention, withWindow } from '../family/standard-layer.js';
import { layerNames } from '../family/tensor-names.js';

const keys = z.object({
  rms_norm_eps: epsilonSchema.default(1e-6),
  query_pre_attn_scalar: scalarSchema.default(256),
  attn_logit_softcapping: capSchema,
  final_logit_softcapping: capSchema,
  sliding_window: windowSchema,
  sliding_window_pattern: count(MAX_LAYERS).nullish(),
  _sliding_window_pattern: count(MAX_LAYERS).nullish(),
  rope_local_base_freq: thetaSchema.nullish(),
  rope_parameters: z.looseObject({ sliding_attention: z.unknown().optional() }).nullish(),
});
type Gemma3Config = z.infer<typeof keys>;

/** Every so many layers one sees everything. */
const PATTERN = 6;
const LOCAL_THETA = 10_000;

export const GEMMA3 = defineFamily({
  name: 'gemma3',
  types: ['gemma3_text', 'gemma3'],
  keys,
  // A multimodal checkpoint's text_config leaves out what is as in the class.
  defaults: {
    vocab_size: 262_208,
    head_dim: 256,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    max_position_embeddings: 131_072,
    rope_theta: 1_000_000,
    sliding_window: 4096,
  },
  // Only hidden_activation counts.
  commonKeys: () => ({ hidden_act: 'gelu_pytorch_tanh' }),
  model: (common, own) => ({
    norm: 'rms',
    epsilon: own.rms_norm_eps,
    specs: layersOf(common, own),
    isTied: true,
    embeddingScale: Math.sqrt(common.hidden),
    logitCap: own.final_logit_softcapping ?? undefined,
    names: layerNames({ mlpNorm: 'pre_feedforward_layernorm' }),
    normOffset: 1,
  }),
});

function layersOf(common: CommonConfig, own: Gemma3Config): LayerSpec[] {
  const pattern = own.sliding_window_pattern ?? own._sliding_window_pattern ?? PATTERN;
  const change = {
    scale: 1 / Math.sqrt(own.query_pre_attn_scalar),
    queryKeyNorm: 'head',
    ...(own.attn_logit_softcapping && { scoreCap: own.attn_logit_softcapping }),
  } as const;
  const around = (spec: LayerSpec): LayerSpec => ({ ...withAttention(spec, change), norms: 'around' });
  const full = around(standardLayer(common, { activation: 'gelu-tanh', layerType: 'full_attention' }));
  const local = withWindow(around(localLayer(common, own)), own.sliding_window);
  return eachLayer(common, (layer) =>
    isWindowed(common, layer, () => (layer + 1) % pattern !== 0) ? local : full,
  );
}

/** Positions of a layer with a window: a base of their own, never stretched. */
function localLayer(common: CommonConfig, own: Gemma3Config): LayerSpec {
  const spec = standardLayer(common, { activation: 'gelu-tanh', layerType: 'sliding_attention' });
  const rotary = spec.attention.rotary;
  if (own.rope_parameters?.sliding_attention || !rotary) return spec;
  const theta = own.rope_local_base_freq ?? LOCAL_THETA;
  return withAttention(spec, { rotary: { ...rotary, theta, scaling: { kind: 'none' } } });
}
