/**
 * Views of a matrix with its rows or columns multiplied. Reads what the matrix underneath reads, so nothing is held.
 */
import type { WeightMatrix } from '../../core/checkpoint.js';

export type Scales = {
  /** One a row of the matrix. */
  readonly rows?: Float32Array;
  /** One a column. */
  readonly columns?: Float32Array;
};

/** matrix [rows, columns], element [r, c] times scales.rows[r] and scales.columns[c]. */
export function scaledMatrix(matrix: WeightMatrix, scales: Scales): WeightMatrix {
  if (!scales.rows && !scales.columns) return matrix;
  const { rows, columns } = matrix;
  const read = async (start: number, end: number): Promise<Float32Array> => {
    const values = await matrix.read(start, end);
    if (scales.columns) scaleColumns(values, scales.columns);
    if (scales.rows) scaleRows(values, columns, scales.rows.subarray(start, end));
    return values;
  };
  return { rows, columns, read };
}

/** @returns 1/scale for each; exact for powers of two. */
export function inverses(scales: Float32Array): Float32Array {
  return scales.map((scale) => 1 / scale);
}

function scaleColumns(values: Float32Array, scales: Float32Array): void {
  for (let start = 0; start < values.length; start += scales.length) {
    for (let i = 0; i < scales.length; i++) {
      values[start + i] = (values[start + i] as number) * (scales[i] as number);
    }
  }
}

function scaleRows(values: Float32Array, columns: number, scales: Float32Array): void {
  for (let row = 0; row < scales.length; row++) {
    const scale = scales[row] as number;
    if (scale === 1) continue;
    for (let i = row * columns; i < (row + 1) * columns; i++) values[i] = (values[i] as number) * scale;
  }
}
