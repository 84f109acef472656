/**
 * Rotary position tables. Position p turns pair j of a head by the angle p·frequency[j]; frequencies are
 * theta^(-2j/D), bent by the checkpoint's rope scaling. Computed in f64, rounded once. Pure.
 */
import type { ModelShape } from '../../../core/shape.js';

/** [rows, D/2] f32 each, row r for the position of row r. */
export type RotaryTable = { readonly cos: Float32Array; readonly sin: Float32Array };

/** @param positions the first of consecutive ones, or each row's own */
export function rotaryRows(
  shape: ModelShape,
  rows: number,
  positions: number | readonly number[],
): RotaryTable {
  const frequencies = rotaryFrequencies(shape);
  const pairs = frequencies.length;
  const cos = new Float32Array(rows * pairs);
  const sin = new Float32Array(rows * pairs);
  for (let row = 0, at = 0; row < rows; row++) {
    const position = typeof positions === 'number' ? positions + row : (positions[row] as number);
    for (let pair = 0; pair < pairs; pair++, at++) {
      const angle = position * (frequencies[pair] as number);
      cos[at] = Math.cos(angle);
      sin[at] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Radians per position for every pair, [D/2]. */
export function rotaryFrequencies(shape: ModelShape): Float64Array {
  const pairs = shape.headDim / 2;
  return Float64Array.from({ length: pairs }, (_, pair) =>
    scaleFrequency(shape.rotaryTheta ** (-pair / pairs), shape.rotaryScaling),
  );
}

/**
 * 'linear' divides every frequency by the factor. 'llama3' divides those whose wavelength is longer than
 * original/low, keeps those shorter than original/high, and blends linearly in original/wavelength between.
 */
function scaleFrequency(frequency: number, scaling: ModelShape['rotaryScaling']): number {
  if (scaling.kind === 'none') return frequency;
  if (scaling.kind === 'linear') return frequency / scaling.factor;
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextTokens } = scaling;
  const turns = (originalContextTokens * frequency) / (2 * Math.PI);
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const kept = (turns - low) / (high - low);
  return (1 - kept) * (frequency / factor) + kept * frequency;
}
