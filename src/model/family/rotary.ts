/**
 * Rotary positions as configs write them: rope_theta and rope_scaling side by side, or both inside rope_parameters, for all
 * layers or for each type of layer, with the kind under `rope_type` or, before that, `type`.
 */
import { z } from 'zod';
import type { Rotary, RotaryScaling } from '../../core/layers/rotary.js';
import { checkJson } from '../checkpoint/json-file.js';
import { count, MAX_CONTEXT_TOKENS, MAX_HEAD_DIM, thetaSchema, unsupported } from './config-limits.js';
import type { ConfigFile } from './config-limits.js';

/** The base that every config without one means. */
const DEFAULT_THETA = 10_000;
const SUPPORTED = 'none, linear, llama3, yarn, longrope, dynamic';

/** As layers name themselves in layer_types. */
export type LayerType = 'full_attention' | 'sliding_attention';

const factor = z.number().min(1).max(1e6);
const positive = z.number().positive().max(1e6);
const contextTokens = count(MAX_CONTEXT_TOKENS);
const pairFactors = z.array(positive).max(MAX_HEAD_DIM / 2);

const parameters = z.looseObject({
  rope_type: z.string().max(64).nullish(),
  type: z.string().max(64).nullish(),
  rope_theta: thetaSchema.nullish(),
});
type Written = z.infer<typeof parameters>;
const rotarySchema = z.object({
  rope_theta: thetaSchema.nullish(),
  rope_scaling: parameters.nullish(),
  rope_parameters: z
    .union([
      z.object({ full_attention: parameters, sliding_attention: parameters }).partial().strict(),
      parameters,
    ])
    .nullish(),
  max_position_embeddings: contextTokens.default(2048),
  original_max_position_embeddings: contextTokens.nullish(),
});
type RotaryConfig = z.infer<typeof rotarySchema>;

const linearSchema = z.object({ factor });
const llama3Schema = z
  .object({
    factor,
    low_freq_factor: positive,
    high_freq_factor: positive,
    original_max_position_embeddings: contextTokens,
  })
  .refine((value) => value.low_freq_factor < value.high_freq_factor, {
    path: ['low_freq_factor'],
    message: 'it must be below high_freq_factor',
  });
const yarnSchema = z.object({
  factor,
  beta_fast: positive.nullish(),
  beta_slow: positive.nullish(),
  original_max_position_embeddings: contextTokens.nullish(),
  attention_factor: positive.nullish(),
  mscale: z.number().nonnegative().max(1e6).nullish(),
  mscale_all_dim: z.number().nonnegative().max(1e6).nullish(),
  truncate: z.boolean().nullish(),
});
const longRopeSchema = z.object({
  short_factor: pairFactors,
  long_factor: pairFactors,
  attention_factor: positive.nullish(),
  factor: positive.nullish(),
  original_max_position_embeddings: contextTokens.nullish(),
});

const shareHolder = z.looseObject({
  rope_parameters: z.looseObject({ partial_rotary_factor: z.unknown() }).nullish().catch(undefined),
});

/** The config with the share of a head that is turned where families read it, whichever way it is written. */
export function withRotaryShare(json: object): object {
  const share = shareHolder.parse(json).rope_parameters?.partial_rotary_factor;
  return share === undefined || share === null ? json : { ...json, partial_rotary_factor: share };
}

/**
 * @param dims of a head that are turned. @param layerType where a config writes positions for each type of layer
 * @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL for another kind of scaling, by name
 */
export function readRotary(
  { json, path }: ConfigFile,
  dims: number,
  layerType: LayerType = 'full_attention',
): Rotary {
  const config = checkJson(rotarySchema, json, path);
  const inner = config.rope_parameters && ofLayerType(config.rope_parameters, layerType);
  const theta = inner?.rope_theta ?? config.rope_theta ?? DEFAULT_THETA;
  const scaling = scalingOf(inner ?? config.rope_scaling ?? {}, config, dims, path);
  return { dims, theta, scaling, pairs: 'halves' };
}

function ofLayerType(
  written: NonNullable<RotaryConfig['rope_parameters']>,
  layerType: LayerType,
): Written | undefined {
  const isByType = 'full_attention' in written || 'sliding_attention' in written;
  return isByType ? (written as Partial<Record<LayerType, Written>>)[layerType] : written;
}

function scalingOf(written: Written, config: RotaryConfig, dims: number, path: string): RotaryScaling {
  const kind =
    written.rope_type ?? written.type ?? (Object.hasOwn(written, 'factor') ? 'without a type' : 'default');
  switch (kind) {
    case 'default':
      return { kind: 'none' };
    case 'linear':
      return { kind: 'linear', factor: checkJson(linearSchema, written, path).factor };
    case 'llama3':
      return llama3Of(checkJson(llama3Schema, written, path));
    case 'yarn':
      return yarnOf(checkJson(yarnSchema, written, path), config);
    case 'longrope':
    case 'su':
      return longRopeOf(checkJson(longRopeSchema, written, path), config, dims, path);
    case 'dynamic': {
      const { factor } = checkJson(linearSchema, written, path);
      return { kind: 'dynamic', factor, originalContextTokens: config.max_position_embeddings };
    }
    default:
      throw unsupported(path, `rope scaling ${kind}`, SUPPORTED);
  }
}

function llama3Of(written: z.infer<typeof llama3Schema>): RotaryScaling {
  return {
    kind: 'llama3',
    factor: written.factor,
    lowFrequencyFactor: written.low_freq_factor,
    highFrequencyFactor: written.high_freq_factor,
    originalContextTokens: written.original_max_position_embeddings,
  };
}

/** As YaRN's authors have it where the config says nothing. */
const BETA_FAST = 32;
const BETA_SLOW = 1;

function yarnOf(written: z.infer<typeof yarnSchema>, config: RotaryConfig): RotaryScaling {
  const original = written.original_max_position_embeddings ?? config.original_max_position_embeddings;
  return {
    kind: 'yarn',
    factor: written.factor,
    betaFast: written.beta_fast ?? BETA_FAST,
    betaSlow: written.beta_slow ?? BETA_SLOW,
    originalContextTokens: original ?? config.max_position_embeddings,
    attentionFactor: written.attention_factor ?? yarnAttentionFactor(written),
    isTruncated: written.truncate ?? true,
  };
}

/** 0.1·m·ln(factor) + 1 with m = 1, or its ratio for two values of m. */
function yarnAttentionFactor({ factor, mscale, mscale_all_dim: all }: z.infer<typeof yarnSchema>): number {
  const of = (m: number): number => 0.1 * m * Math.log(factor) + 1;
  return mscale && all ? of(mscale) / of(all) : of(1);
}

function longRopeOf(
  written: z.infer<typeof longRopeSchema>,
  config: RotaryConfig,
  dims: number,
  path: string,
): RotaryScaling {
  const length = z.array(z.number()).length(dims / 2, `it must have ${dims / 2} factors, one a turned pair`);
  checkJson(z.object({ short_factor: length, long_factor: length }), written, path);
  const most = config.max_position_embeddings;
  const original =
    written.original_max_position_embeddings ?? config.original_max_position_embeddings ?? most;
  return {
    kind: 'longrope',
    shortFactors: written.short_factor,
    longFactors: written.long_factor,
    originalContextTokens: original,
    attentionFactor:
      written.attention_factor ?? longRopeAttentionFactor(written.factor ?? most / original, original),
  };
}

/** √(1 + ln(stretch)/ln(original)), 1 where nothing is stretched. */
function longRopeAttentionFactor(stretch: number, original: number): number {
  return stretch <= 1 || original <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original));
}
