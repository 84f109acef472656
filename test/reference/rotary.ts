/**
 * Rotary position embedding in the rotate-half layout: pair i of a head is (x[i], x[i + headDim/2]), turned by
 * position · frequency[i]. Frequencies follow theta and the checkpoint's scaling. Used by test/reference only.
 */
import type { ModelShape, RotaryScaling } from '../../src/core/shape.js';

/** Radians per position of each pair, [headDim/2]. */
export function rotaryFrequencies({ headDim, rotaryTheta, rotaryScaling }: ModelShape): Float64Array {
  const plain = Float64Array.from({ length: headDim / 2 }, (_, i) => rotaryTheta ** ((-2 * i) / headDim));
  return plain.map((frequency) => scaled(frequency, rotaryScaling));
}

function scaled(frequency: number, scaling: RotaryScaling): number {
  switch (scaling.kind) {
    case 'none':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'llama3':
      return frequency * llama3Share(frequency, scaling);
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

/** Turns every head of `x` [heads · headDim] in place. */
export function rotate(x: Float64Array, position: number, frequencies: Float64Array): void {
  const half = frequencies.length;
  for (let i = 0; i < half; i++) {
    const cosine = Math.cos(position * frequencies[i]!);
    const sine = Math.sin(position * frequencies[i]!);
    for (let at = i; at < x.length; at += 2 * half) {
      const a = x[at]!;
      const b = x[at + half]!;
      x[at] = a * cosine - b * sine;
      x[at + half] = b * cosine + a * sine;
    }
  }
}
