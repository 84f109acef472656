/**
 * How fast positions turn pairs: frequency theta^(-2j/d) for pair j of d turned dimensions, bent by the checkpoint's rope
 * scaling, and what the table of cos and sin is multiplied with. Formulas as published: linear by position interpolation
 * (arXiv:2306.15595), dynamic NTK, YaRN (arXiv:2309.00071), LongRoPE (arXiv:2402.13753), and Llama 3.1's. Pure, in f64.
 */
import type { Rotary, RotaryScaling } from '../../../core/layers/rotary.js';

export type RotaryFrequencies = {
  /** Radians per position, one a pair. */
  readonly perPosition: Float64Array;
  readonly amplitude: number;
};

type Of<K extends RotaryScaling['kind']> = Extract<RotaryScaling, { kind: K }>;

/** @param promptTokens how long the prompt is, whatever comes after it */
export function rotaryFrequencies({ dims, theta, scaling }: Rotary, promptTokens: number): RotaryFrequencies {
  const pairs = dims / 2;
  const plain = Float64Array.from({ length: pairs }, (_, pair) => theta ** (-pair / pairs));
  switch (scaling.kind) {
    case 'none':
      return { perPosition: plain, amplitude: 1 };
    case 'linear':
      return { perPosition: plain.map((frequency) => frequency / scaling.factor), amplitude: 1 };
    case 'llama3':
      return { perPosition: plain.map((frequency) => llama3(frequency, scaling)), amplitude: 1 };
    case 'yarn':
      return { perPosition: yarn(plain, theta, scaling), amplitude: scaling.attentionFactor };
    case 'longrope':
      return { perPosition: longRope(plain, scaling, promptTokens), amplitude: scaling.attentionFactor };
    case 'dynamic':
      return { perPosition: dynamic(dims, theta, scaling, promptTokens), amplitude: 1 };
  }
}

/**
 * Divides what has a wavelength longer than original/low, keeps what is shorter than original/high, and blends linearly in
 * original/wavelength between.
 */
function llama3(frequency: number, scaling: Of<'llama3'>): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextTokens } = scaling;
  const turns = (originalContextTokens * frequency) / (2 * Math.PI);
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const kept = (turns - low) / (high - low);
  return (1 - kept) * (frequency / factor) + kept * frequency;
}

/** Keeps pairs that turn more than betaFast times in the original context, divides those under betaSlow, with a ramp between. */
function yarn(plain: Float64Array, theta: number, scaling: Of<'yarn'>): Float64Array {
  const { from, to } = yarnRamp(plain.length, theta, scaling);
  return plain.map((frequency, pair) => {
    const divided = Math.min(1, Math.max(0, (pair - from) / (to - from)));
    return frequency * (1 - divided) + (frequency / scaling.factor) * divided;
  });
}

/** Zero width would divide by zero. */
const LEAST_RAMP = 0.001;

function yarnRamp(pairs: number, theta: number, scaling: Of<'yarn'>): { from: number; to: number } {
  const dims = 2 * pairs;
  const pairOf = (turns: number): number =>
    (dims * Math.log(scaling.originalContextTokens / (2 * Math.PI * turns))) / (2 * Math.log(theta));
  const [low, high] = [pairOf(scaling.betaFast), pairOf(scaling.betaSlow)];
  const from = Math.max(0, scaling.isTruncated ? Math.floor(low) : low);
  const to = Math.min(dims - 1, scaling.isTruncated ? Math.ceil(high) : high);
  return { from, to: from === to ? to + LEAST_RAMP : to };
}

function longRope(plain: Float64Array, scaling: Of<'longrope'>, promptTokens: number): Float64Array {
  const isLong = promptTokens > scaling.originalContextTokens;
  const factors = isLong ? scaling.longFactors : scaling.shortFactors;
  return plain.map((frequency, pair) => frequency / (factors[pair] ?? 1));
}

/** NTK: a larger base, so that the slowest pair is interpolated and the fastest is not. */
function dynamic(dims: number, theta: number, scaling: Of<'dynamic'>, promptTokens: number): Float64Array {
  const { factor, originalContextTokens } = scaling;
  const stretch = Math.max(1, (factor * promptTokens) / originalContextTokens - (factor - 1));
  const base = theta * stretch ** (dims / (dims - 2));
  return Float64Array.from({ length: dims / 2 }, (_, pair) => base ** ((-2 * pair) / dims));
}
