/**
 * Rotary position embedding: the first `dims` of a head are turned, pair i being (x[i], x[i + dims/2]), or (x[2i], x[2i + 1]),
 * by position · frequency[i]. Frequencies follow theta and the checkpoint's scaling. Used by test/reference only.
 */
import type { Rotary, RotaryScaling } from '../../src/core/layers/rotary.js';

/** Radians per position of each pair, [dims/2], of a prompt of so many tokens and of all that follows it. */
export function rotaryFrequencies({ dims, theta, scaling }: Rotary, promptTokens: number): Float64Array {
  const base = scaling.kind === 'dynamic' ? grownBase({ dims, theta }, scaling, promptTokens) : theta;
  const plain = Float64Array.from({ length: dims / 2 }, (_, i) => base ** ((-2 * i) / dims));
  return plain.map((frequency, i) => scaled(frequency, scaling, i, { dims, theta, promptTokens }));
}

/** NTK: θ·(s·n/M − (s − 1))^(d/(d − 2)) once n is over M. */
function grownBase(
  { dims, theta }: { readonly dims: number; readonly theta: number },
  { factor, originalContextTokens: most }: Extract<RotaryScaling, { kind: 'dynamic' }>,
  promptTokens: number,
): number {
  if (promptTokens <= most) return theta;
  return theta * ((factor * promptTokens) / most - (factor - 1)) ** (dims / (dims - 2));
}

/** What cosines and sines are multiplied with. */
export function rotaryAmplitude({ scaling }: Rotary): number {
  return scaling.kind === 'yarn' || scaling.kind === 'longrope' ? scaling.attentionFactor : 1;
}

function scaled(
  frequency: number,
  scaling: RotaryScaling,
  pair: number,
  of: { readonly dims: number; readonly theta: number; readonly promptTokens: number },
): number {
  switch (scaling.kind) {
    case 'none':
    case 'dynamic':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'llama3':
      return frequency * llama3Share(frequency, scaling);
    case 'yarn':
      return frequency * yarnShare(pair, scaling, of);
    case 'longrope': {
      const isLong = of.promptTokens > scaling.originalContextTokens;
      return frequency / (isLong ? scaling.longFactors : scaling.shortFactors)[pair]!;
    }
  }
}

/**
 * Llama 3.1: pairs that turn often within the original context stay as they are, pairs that turn seldom are slowed
 * by `factor`, and between the two bounds (in turns per original context) the two are mixed linearly.
 */
function llama3Share(frequency: number, scaling: Extract<RotaryScaling, { kind: 'llama3' }>): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextTokens } = scaling;
  const turns = (originalContextTokens * frequency) / (2 * Math.PI);
  if (turns >= high) return 1;
  if (turns <= low) return 1 / factor;
  const mix = (turns - low) / (high - low);
  return mix + (1 - mix) / factor;
}

/** YaRN: between the pair that turns betaFast times in the original context and the one that turns betaSlow times. */
function yarnShare(
  pair: number,
  scaling: Extract<RotaryScaling, { kind: 'yarn' }>,
  { dims, theta }: { readonly dims: number; readonly theta: number },
): number {
  const { factor, betaFast, betaSlow, originalContextTokens: context, isTruncated } = scaling;
  // theta^(-2p/dims)·context = 2π·turns, solved for p.
  const pairThatTurns = (turns: number): number =>
    (dims / 2) * (Math.log(context / (2 * Math.PI * turns)) / Math.log(theta));
  const bounds = [pairThatTurns(betaFast), pairThatTurns(betaSlow)] as const;
  const low = Math.max(0, isTruncated ? Math.floor(bounds[0]) : bounds[0]);
  const high = Math.min(dims - 1, isTruncated ? Math.ceil(bounds[1]) : bounds[1]);
  const slowed = Math.min(1, Math.max(0, (pair - low) / (high === low ? 0.001 : high - low)));
  return 1 - slowed + slowed / factor;
}

/** Turns every head of `x` [heads · headDim] in place. */
export function rotate(
  x: Float64Array,
  headDim: number,
  { position, promptTokens }: { readonly position: number; readonly promptTokens: number },
  rotary: Rotary,
): void {
  const frequencies = rotaryFrequencies(rotary, promptTokens);
  const amplitude = rotaryAmplitude(rotary);
  for (let head = 0; head < x.length; head += headDim) {
    for (const [i, frequency] of frequencies.entries()) {
      const cosine = amplitude * Math.cos(position * frequency);
      const sine = amplitude * Math.sin(position * frequency);
      const first = head + (rotary.pairs === 'halves' ? i : 2 * i);
      const second = rotary.pairs === 'halves' ? first + frequencies.length : first + 1;
      const a = x[first]!;
      const b = x[second]!;
      x[first] = a * cosine - b * sine;
      x[second] = b * cosine + a * sine;
    }
  }
}
