/**
 * Sizes, positions and layers of a small model, drawn at random: odd on purpose. What the families of this folder are made of.
 */
import { plainLayer, type LayerSpec } from '../../../src/core/layers/layer-spec.js';
import type { Rotary, RotaryScaling } from '../../../src/core/layers/rotary.js';
import type { ModelShape } from '../../../src/core/shape.js';
import type { Random } from '../random.js';

export type Json = Readonly<Record<string, unknown>>;

/** What a family has to say about its sizes. */
export type SizeRules = {
  /** The width of a head is a key of its own, so that heads side by side may be wider or narrower than the model. */
  readonly ownHeadDim?: boolean;
  readonly kvHeads?: 'any' | 'all' | 'one';
  readonly layers?: number;
};

/** More than prompts and answers of the tests have, but for what is stretched beyond it. */
const CONTEXT_TOKENS = 96;

/** Of a model whose base grows with the prompt: less than prompts have, and four times this is more. */
const SHORT_CONTEXT = 24;

export type Draw = {
  readonly random: Random;
  readonly isLikely: (share: number) => boolean;
  readonly shape: ModelShape;
  /** The sizes under their usual keys. */
  readonly sizes: Json;
};

/** Of a family that other layers, norms and heads are put into. */
export function drawSizes(random: Random, { ownHeadDim = false, kvHeads = 'any', layers }: SizeRules): Draw {
  const heads = random.pick([2, 3, 4, 6]);
  const headDim = random.pick([8, 12, 16, 20]);
  const divisors = [1, 2, 3, 4, 6].filter((each) => heads % each === 0);
  const sizes = {
    vocab_size: random.pick([61, 97, 101]),
    hidden_size: ownHeadDim ? random.pick([24, 36, 40, 56]) : heads * headDim,
    intermediate_size: random.pick([20, 33, 64]),
    num_hidden_layers: layers ?? random.pick([2, 3, 4]),
    num_attention_heads: heads,
    num_key_value_heads: kvHeads === 'any' ? random.pick(divisors) : kvHeads === 'all' ? heads : 1,
    max_position_embeddings: CONTEXT_TOKENS,
    ...(ownHeadDim && { head_dim: headDim }),
  };
  const shape: ModelShape = {
    architecture: 'drawn',
    layers: sizes.num_hidden_layers,
    hidden: sizes.hidden_size,
    heads,
    kvHeads: sizes.num_key_value_heads,
    headDim,
    feedForward: sizes.intermediate_size,
    vocabulary: sizes.vocab_size,
    contextTokens: CONTEXT_TOKENS,
    norm: 'rms',
    normEpsilon: random.pick([1e-6, 1e-5, 1e-3]),
    specs: [plainLayer(headDim, 10_000)],
    embeddingScale: 1,
    logitScale: 1,
    tiedHead: random.next() < 0.5,
  };
  return { random, isLikely: (share) => random.next() < share, shape, sizes };
}

export type Positions = { readonly rotary: Rotary; readonly config: Json };
type PositionRules = {
  readonly share?: number;
  readonly pairs?: Rotary['pairs'];
  /** With factors a pair in place of the usual kinds. */
  readonly isLong?: boolean;
};

/** Rotary positions, and how a config says them: the old way or the new one. */
export function drawPositions(
  { random, shape, isLikely }: Draw,
  { share = 1, pairs = 'halves', isLong = false }: PositionRules = {},
): Positions {
  const dims = Math.trunc(shape.headDim * share);
  const theta = random.pick([500, 10_000, 999_999.44]);
  const { scaling, written, beside } = isLong ? longRope(random, dims) : drawScaling(random);
  const rotary: Rotary = { dims, theta, scaling, pairs };
  if (isLikely(0.5)) {
    // The older name of the kind is only found in the older place.
    const { type, ...rest } = written ?? {};
    const inner = { rope_type: type ?? 'default', ...rest, rope_theta: theta };
    return { rotary, config: { ...beside, rope_parameters: inner } };
  }
  return { rotary, config: { ...beside, rope_theta: theta, rope_scaling: written ?? null } };
}

/** `beside`: what the config says beside the parameters. */
type Scaling = { readonly scaling: RotaryScaling; readonly written?: Json; readonly beside?: Json };

function drawScaling(random: Random): Scaling {
  const factor = random.pick([1.5, 4, 32]);
  const original = random.pick([16, 64]);
  const lowHigh = { low_freq_factor: 1, high_freq_factor: random.pick([2, 4]) };
  switch (random.pick(['none', 'linear', 'llama3', 'yarn', 'dynamic'])) {
    case 'linear':
      return { scaling: { kind: 'linear', factor }, written: { type: 'linear', factor } };
    case 'llama3':
      return {
        scaling: {
          kind: 'llama3',
          factor,
          lowFrequencyFactor: 1,
          highFrequencyFactor: lowHigh.high_freq_factor,
          originalContextTokens: original,
        },
        written: { rope_type: 'llama3', factor, ...lowHigh, original_max_position_embeddings: original },
      };
    case 'yarn':
      return yarn(random, factor, original);
    case 'dynamic':
      return {
        scaling: { kind: 'dynamic', factor: 4, originalContextTokens: SHORT_CONTEXT },
        written: { rope_type: 'dynamic', factor: 4 },
        beside: { max_position_embeddings: SHORT_CONTEXT },
      };
    default:
      return { scaling: { kind: 'none' } };
  }
}

/** The factor of scores in its three forms: by the stretch, by two magnitudes, or as it is. A context that is not said is the model's. */
function yarn(random: Random, factor: number, original: number): Scaling {
  const magnitude = (m: number): number => 0.1 * m * Math.log(factor) + 1;
  const [attentionFactor, said] = random.pick<[number, Json]>([
    [magnitude(1), {}],
    [magnitude(1.5) / magnitude(0.5), { mscale: 1.5, mscale_all_dim: 0.5 }],
    [0.8, { attention_factor: 0.8 }],
  ]);
  const [betaFast, betaSlow, betas] = random.pick<[number, number, Json]>([
    [32, 1, {}],
    [8, 2, { beta_fast: 8, beta_slow: 2 }],
  ]);
  const isTruncated = random.next() < 0.5;
  const isSaid = random.next() < 0.5;
  const originalContextTokens = isSaid ? original : CONTEXT_TOKENS;
  return {
    scaling: {
      kind: 'yarn',
      factor,
      betaFast,
      betaSlow,
      originalContextTokens,
      attentionFactor,
      isTruncated,
    },
    written: {
      rope_type: 'yarn',
      factor,
      ...(isSaid && { original_max_position_embeddings: original }),
      ...said,
      ...betas,
      ...(isTruncated ? {} : { truncate: false }),
    },
  };
}

function longRope(random: Random, dims: number): Scaling {
  const factors = (): number[] => Array.from({ length: dims / 2 }, () => 1 + 3 * random.next());
  const [shortFactors, longFactors] = [factors(), factors()];
  const original = random.pick([24, 64]);
  const attentionFactor = Math.sqrt(1 + Math.log(CONTEXT_TOKENS / original) / Math.log(original));
  return {
    scaling: {
      kind: 'longrope',
      shortFactors,
      longFactors,
      originalContextTokens: original,
      attentionFactor,
    },
    written: {
      type: random.pick(['longrope', 'su']),
      short_factor: shortFactors,
      long_factor: longFactors,
      original_max_position_embeddings: original,
    },
  };
}

/** The layer that a spec is changed from, with these positions. */
export function layerWith(
  { shape }: Draw,
  rotary: Rotary | undefined,
  change: Partial<LayerSpec> = {},
): LayerSpec {
  const { attention: plain, ...layer } = plainLayer(shape.headDim, 10_000);
  const { rotary: _unused, ...attention } = plain;
  return { ...layer, ...change, attention: { ...attention, ...(rotary && { rotary }), ...change.attention } };
}
