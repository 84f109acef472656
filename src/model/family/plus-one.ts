/**
 * Weights of norms that are stored around zero.
 */
import type { WeightMatrix } from '../../core/checkpoint.js';

/** Every element and one, rounded to f32. */
export function plusOne({ rows, columns, read }: WeightMatrix): WeightMatrix {
  return { rows, columns, read: async (start, end) => (await read(start, end)).map((value) => value + 1) };
}
