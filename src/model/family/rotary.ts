/**
 * Rotary positions as configs write them (where: rotary-parameters.ts), with the kind of scaling under `rope_type` or, before
 * that, `type`.
 */
import { z } from 'zod';
import type { Rotary, RotaryScaling } from '../../core/layers/rotary.js';
import { checkJson } from '../checkpoint/json-file.js';
import { count, MAX_CONTEXT_TOKENS, MAX_HEAD_DIM, thetaSchema, unsupported } from './config-limits.js';
import type { ConfigFile } from './config-limits.js';
import { checkPart, type LayerType, rotaryParameters, type RotaryParameters } from './rotary-parameters.js';

/** The base that every config without one means. */
const DEFAULT_THETA = 10_000;
const SUPPORTED = 'none, linear, llama3, yarn, longrope, dynamic';

const factor = z.number().min(1).max(1e6);
const positive = z.number().min(1e-6).max(1e6);
const contextTokens = count(MAX_CONTEXT_TOKENS);
const pairFactors = z.array(positive).max(MAX_HEAD_DIM / 2);

const rotarySchema = z.object({
  rope_theta: thetaSchema.nullish(),
  max_position_embeddings: contextTokens.default(2048),
  original_max_position_embeddings: contextTokens.nullish(),
});
/** What scaling needs of the config beside its own parameters. */
type Base = {
  readonly config: z.infer<typeof rotarySchema>;
  readonly dims: number;
  readonly theta: number;
  readonly path: string;
};

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

/** As YaRN's authors have it where the config says nothing. */
const BETA_FAST = 32;
const BETA_SLOW = 1;
const yarnSchema = z
  .object({
    factor,
    beta_fast: positive.nullish().transform((value) => value ?? BETA_FAST),
    beta_slow: positive.nullish().transform((value) => value ?? BETA_SLOW),
    original_max_position_embeddings: contextTokens.nullish(),
    attention_factor: positive.nullish(),
    mscale: z.number().nonnegative().max(1e6).nullish(),
    mscale_all_dim: z.number().nonnegative().max(1e6).nullish(),
    truncate: z.boolean().nullish(),
  })
  .refine((value) => value.beta_slow < value.beta_fast, {
    path: ['beta_fast'],
    message: `it must be above beta_slow, ${BETA_SLOW} unless given`,
  });
const longRopeSchema = (pairs: number) => {
  const factors = pairFactors.length(pairs, `it must have ${pairs} factors, one a turned pair`);
  return z.object({
    short_factor: factors,
    long_factor: factors,
    attention_factor: positive.nullish(),
    factor: positive.nullish(),
    original_max_position_embeddings: contextTokens.nullish(),
  });
};

/**
 * @param dims of a head that are turned. @param layerType of a family that may have other positions for each type of layer
 * @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL for another kind of scaling, by name
 */
export function readRotary(file: ConfigFile, dims: number, layerType?: LayerType): Rotary {
  const config = checkJson(rotarySchema, file.json, file.path);
  const parameters = rotaryParameters(file, layerType);
  const theta = parameters.written.rope_theta ?? config.rope_theta ?? DEFAULT_THETA;
  const scaling = scalingOf(parameters, { config, dims, theta, path: file.path });
  return { dims, theta, scaling, pairs: 'halves' };
}

function scalingOf(parameters: RotaryParameters, base: Base): RotaryScaling {
  const { key, written } = parameters;
  const kind = kindOf(parameters, base.path);
  const read = <T>(schema: z.ZodType<T>): T => checkPart(schema, key, written, base.path);
  switch (kind) {
    case 'default':
      return { kind: 'none' };
    case 'linear':
      return { kind: 'linear', factor: read(linearSchema).factor };
    case 'llama3':
      return llama3Of(read(llama3Schema));
    case 'yarn':
      return yarnOf(read(yarnSchema), base);
    case 'longrope':
      return longRopeOf(read(longRopeSchema(base.dims / 2)), base.config);
    case 'dynamic':
      return dynamicOf(read(linearSchema), base);
    default:
      throw unsupported(base.path, `rope scaling ${kind}`, SUPPORTED);
  }
}

const SCALING_KEYS = ['factor', 'short_factor', 'long_factor', 'low_freq_factor', 'beta_fast', 'mscale'];

/** @throws UNSUPPORTED_MODEL where the two names of the kind disagree */
function kindOf({ key, written }: RotaryParameters, path: string): string {
  const [kind, older] = [written.rope_type, written.type].map((name) => (name === 'su' ? 'longrope' : name));
  if (kind && older && kind !== older)
    throw unsupported(path, `${key}.rope_type ${kind} beside type ${older}`, 'one of them, or both alike');
  const isScaled = SCALING_KEYS.some((name) => Object.hasOwn(written, name));
  return kind ?? older ?? (isScaled ? 'without a type' : 'default');
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

function yarnOf(written: z.infer<typeof yarnSchema>, { config, theta, path }: Base): RotaryScaling {
  // The ramp is found by the logarithm of the base.
  if (theta <= 1) throw unsupported(path, `rope_theta ${theta} with yarn`, 'more than 1');
  const original = written.original_max_position_embeddings ?? config.original_max_position_embeddings;
  return {
    kind: 'yarn',
    factor: written.factor,
    betaFast: written.beta_fast,
    betaSlow: written.beta_slow,
    originalContextTokens: original ?? config.max_position_embeddings,
    attentionFactor: written.attention_factor ?? yarnAttentionFactor(written),
    isTruncated: written.truncate ?? true,
  };
}

function dynamicOf({ factor }: z.infer<typeof linearSchema>, { config, dims, path }: Base): RotaryScaling {
  // The base grows by a power of d / (d - 2).
  if (dims <= 2) throw unsupported(path, `rope scaling dynamic of ${dims} turned dimensions`, 'more than 2');
  return { kind: 'dynamic', factor, originalContextTokens: config.max_position_embeddings };
}

/** 0.1·m·ln(factor) + 1 with m = 1, or its ratio for two values of m. */
function yarnAttentionFactor({ factor, mscale, mscale_all_dim: all }: z.infer<typeof yarnSchema>): number {
  const of = (m: number): number => 0.1 * m * Math.log(factor) + 1;
  return mscale && all ? of(mscale) / of(all) : of(1);
}

function longRopeOf(
  written: z.infer<ReturnType<typeof longRopeSchema>>,
  { max_position_embeddings: most, original_max_position_embeddings: beside }: Base['config'],
): RotaryScaling {
  const original = written.original_max_position_embeddings ?? beside ?? most;
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
