/**
 * The small functions of a transformer block, one vector of f64 at a time: norms, activations, softmax, argmax.
 * Written from their definitions; they know nothing of layers. Used by test/reference only.
 */
import type { ModelShape } from '../../src/core/shape.js';
import type { LoadedNorm } from './matrix.js';

/** RMS norm: x / √(mean x² + ε) · w. Layer norm: (x − mean) / √(variance + ε) · w + b. */
export function normalize(shape: ModelShape, norm: LoadedNorm, x: Float64Array): Float64Array {
  const mean = shape.norm === 'layer' ? average(x) : 0;
  const centred = x.map((value) => value - mean);
  const meanSquare = average(centred.map((value) => value * value));
  const scale = 1 / Math.sqrt(meanSquare + shape.normEpsilon);
  return centred.map((value, i) => value * scale * norm.weight[i]! + (norm.bias?.[i] ?? 0));
}

function average(x: Float64Array): number {
  let sum = 0;
  for (const value of x) sum += value;
  return sum / x.length;
}

export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** x·Φ(x) with the exact normal distribution, not its tanh approximation. */
export function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** ½x(1 + tanh(√(2/π)(x + 0.044715x³))), the approximation that some models are trained with. */
export function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Series erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)): all terms of one sign, so exact to rounding. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x); // 1 − erf(6) is 2e-17, below f64's resolution at 1
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** In place; the greatest score is subtracted first, so nothing overflows. */
export function softmax(scores: Float64Array): Float64Array {
  let greatest = -Infinity;
  for (const score of scores) greatest = Math.max(greatest, score);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp(scores[i]! - greatest);
  for (let i = 0; i < scores.length; i++) scores[i]! /= sum;
  return scores;
}

/** The best index (the first of equals) and its distance to the second best value. */
export function argmax(values: Float64Array): { index: number; margin: number } {
  let index = 0;
  let second = -Infinity;
  for (let i = 1; i < values.length; i++) {
    if (values[i]! > values[index]!) {
      second = values[index]!;
      index = i;
    } else second = Math.max(second, values[i]!);
  }
  return { index, margin: values[index]! - second };
}
