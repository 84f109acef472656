/**
 * Weights of norms that are stored around zero.
 */
import type { WeightMatrix } from '../../core/checkpoint.js';

/** Every element and one, rounded to f32. */
export function plusOne(matrix: WeightMatrix): WeightMatrix {
  const read = async (start: number, end: number): Promise<Float32Array> =>
    (await matrix.read(start, end)).map((value) => value + 1);
  return { rows: matrix.rows, columns: matrix.columns, read };
}
