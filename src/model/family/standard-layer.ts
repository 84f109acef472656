/**
 * The layer that most families share, made of a config's common keys, and the changes that they make to it.
 */
import type { Activation, AttentionSpec, LayerSpec } from '../../core/layers/layer-spec.js';
import type { Rotary } from '../../core/layers/rotary.js';
import { activationOf, type CommonConfig } from './common-config.js';
import { bad } from './config-limits.js';
import { readRotary } from './rotary.js';
import type { LayerType } from './rotary-parameters.js';

export type StandardOptions = {
  /** Of a head's dimensions, the share that is turned by positions; all unless given. */
  readonly rotaryShare?: number;
  readonly pairs?: Rotary['pairs'];
  /** For a family whose types of layers may have positions of their own. */
  readonly layerType?: LayerType;
  /** What a config without hidden_act means; silu unless given. */
  readonly activation?: Activation;
  readonly mlp?: 'gated' | 'plain';
};

/** Norms before attention and MLP, a sequential residual, a gated MLP. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export function standardLayer(common: CommonConfig, options: StandardOptions = {}): LayerSpec {
  const { rotaryShare = 1, pairs = 'halves', mlp = 'gated' } = options;
  const rotary = readRotary(common.file, turnedDims(common, rotaryShare), options.layerType);
  return {
    norms: 'before',
    residual: 'sequential',
    sharesNorm: false,
    residualScale: 1,
    attention: {
      scale: 1 / Math.sqrt(common.headDim),
      hasSinks: false,
      rotary: { ...rotary, pairs },
      queryKeyNorm: 'none',
    },
    mlp: { kind: mlp, activation: activationOf(common, options.activation ?? 'silu') },
  };
}

function turnedDims({ headDim, file }: CommonConfig, share: number): number {
  const dims = Math.trunc(headDim * share);
  if (dims >= 2 && dims <= headDim && dims % 2 === 0) return dims;
  throw bad(
    file.path,
    `partial_rotary_factor ${share} turns ${dims} of a head's ${headDim} dimensions; it must be an even number from 2 to ${headDim}`,
  );
}

export function withAttention(spec: LayerSpec, change: Partial<AttentionSpec>): LayerSpec {
  return { ...spec, attention: { ...spec.attention, ...change } };
}

/** The layer with a window, where there is one that the model's context does not fit into. */
export function withWindow(spec: LayerSpec, windowTokens: number | null | undefined): LayerSpec {
  return windowTokens === null || windowTokens === undefined ? spec : withAttention(spec, { windowTokens });
}

/** One spec a layer, by its number. */
export function eachLayer({ layers }: CommonConfig, make: (layer: number) => LayerSpec): LayerSpec[] {
  return Array.from({ length: layers }, (_, layer) => make(layer));
}

/** Whether a layer has the window: as layer_types says, or else by the family's rule. */
export function isWindowed(
  { layerTypes }: CommonConfig,
  layer: number,
  rule: (layer: number) => boolean,
): boolean {
  const type = layerTypes?.[layer];
  return type === undefined ? rule(layer) : type === 'sliding_attention';
}
