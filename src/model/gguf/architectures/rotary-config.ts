/**
 * Rotary positions as a config.json has them, from the metadata and, for factors of each frequency, from tensors.
 */
import { shortest } from '../header/metadata.js';
import { broken } from '../header/broken.js';
import type { ModelFacts } from './model-facts.js';

type Config = Readonly<Record<string, unknown>>;

/** @returns rope_theta, rope_scaling and what belongs to them. @throws BAD_CHECKPOINT */
export function rotaryConfig(facts: ModelFacts): Config {
  const original = facts.number('rope.scaling.original_context_length');
  return {
    rope_theta: facts.number('rope.freq_base') ?? 10_000,
    ...scalingConfig(facts, original),
    ...(original !== undefined && { original_max_position_embeddings: original }),
  };
}

function scalingConfig(facts: ModelFacts, original: number | undefined): Config {
  const kind = facts.metadata.string(`${facts.architecture}.rope.scaling.type`) ?? 'none';
  const factor = facts.number('rope.scaling.factor') ?? facts.number('rope.scale_linear');
  if (facts.vectors.has('rope_freqs.weight')) return { rope_scaling: frequencyFactors(facts) };
  if (facts.vectors.has('rope_factors_long.weight')) return { rope_scaling: longRope(facts) };
  if (kind === 'yarn') return { rope_scaling: yarn(facts, factor, original) };
  if (kind === 'linear' || (kind === 'none' && factor !== undefined && factor !== 1))
    return { rope_scaling: { rope_type: 'linear', factor: factor ?? 1 } };
  return kind === 'none' ? {} : { rope_scaling: { rope_type: kind, factor } };
}

const LOW_FREQUENCY_FACTOR = 1;
const HIGH_FREQUENCY_FACTOR = 4;
/** Of every published model whose frequencies are scaled by three ranges. */
const ORIGINAL_CONTEXT = 8192;
/** Factors are stored as f32. */
const TOLERANCE = 1e-5;

/**
 * Llama 3.1 and later: what each frequency is divided by. The config's four numbers are found again where they give
 * these factors, since only then is the model the very same; other factors are given as they are.
 */
function frequencyFactors(facts: ModelFacts): Config {
  const factors = facts.vectors.get('rope_freqs.weight') ?? [];
  const factor = shortest(Math.fround(Math.max(...factors)));
  const theta = facts.number('rope.freq_base') ?? 10_000;
  const fits = factors.every((value, j) => {
    const expected = llama3Factor(theta ** (-j / factors.length), factor);
    return Math.abs(value - expected) <= TOLERANCE * expected;
  });
  if (!fits)
    return { rope_type: 'longrope', attention_factor: 1, long_factor: factors, short_factor: factors };
  return {
    rope_type: 'llama3',
    factor,
    low_freq_factor: LOW_FREQUENCY_FACTOR,
    high_freq_factor: HIGH_FREQUENCY_FACTOR,
    original_max_position_embeddings: ORIGINAL_CONTEXT,
  };
}

/** What the frequency is divided by: 1 for short waves, `factor` for long ones, and something between. */
function llama3Factor(frequency: number, factor: number): number {
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength > ORIGINAL_CONTEXT / LOW_FREQUENCY_FACTOR) return factor;
  if (wavelength < ORIGINAL_CONTEXT / HIGH_FREQUENCY_FACTOR) return 1;
  const share =
    (ORIGINAL_CONTEXT / wavelength - LOW_FREQUENCY_FACTOR) / (HIGH_FREQUENCY_FACTOR - LOW_FREQUENCY_FACTOR);
  return 1 / ((1 - share) / factor + share);
}

function longRope(facts: ModelFacts): Config {
  const long = facts.vectors.get('rope_factors_long.weight') ?? [];
  const short = facts.vectors.get('rope_factors_short.weight');
  if (short === undefined)
    throw broken(facts.metadata.path, 'it has rope_factors_long.weight, but no rope_factors_short.weight');
  const attention = facts.number('rope.scaling.attn_factor');
  return {
    rope_type: 'longrope',
    type: 'longrope',
    long_factor: long,
    short_factor: short,
    ...(attention !== undefined && !isUsualFactor(facts, attention) && { attention_factor: attention }),
  };
}

/** Whether it is what a config that does not name it means, but for the rounding to f32. */
function isUsualFactor(facts: ModelFacts, attention: number): boolean {
  const most = facts.number('context_length') ?? NaN;
  const original = facts.number('rope.scaling.original_context_length') ?? NaN;
  const usual = most <= original ? 1 : Math.sqrt(1 + Math.log(most / original) / Math.log(original));
  return Math.abs(attention - usual) < 1e-6 * usual;
}

/** `attn_factor` multiplies what YaRN takes for its factor. */
function yarn(facts: ModelFacts, factor: number | undefined, original: number | undefined): Config {
  const attention = facts.number('rope.scaling.attn_factor') ?? 1;
  const usual = 0.1 * Math.log(factor ?? 1) + 1;
  const betas = {
    beta_fast: facts.number('rope.scaling.yarn_beta_fast'),
    beta_slow: facts.number('rope.scaling.yarn_beta_slow'),
  };
  return {
    rope_type: 'yarn',
    factor,
    ...(original !== undefined && { original_max_position_embeddings: original }),
    ...(attention !== 1 && { attention_factor: attention * usual }),
    ...Object.fromEntries(Object.entries(betas).filter(([, value]) => value !== undefined)),
  };
}

/** Of a head, the part that is rotated. */
export function partialRotary(facts: ModelFacts): Config {
  const rotated = facts.number('rope.dimension_count');
  if (rotated === undefined || rotated === facts.headDim) return {};
  return { partial_rotary_factor: rotated / facts.headDim };
}
