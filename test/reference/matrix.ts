/**
 * Matrices of the reference pass: weights as they are stored (f32), all arithmetic in f64.
 * Plain loops, one vector at a time. Used by test/reference only.
 */
import type { LinearWeights, NormWeights, WeightMatrix } from '../../src/core/checkpoint.js';

/** A weight held in memory, row-major [rows, columns]. */
export type LoadedMatrix = { readonly rows: number; readonly columns: number; readonly data: Float32Array };
export type LoadedLinear = { readonly weight: LoadedMatrix; readonly bias?: Float32Array };
export type LoadedNorm = { readonly weight: Float32Array; readonly bias?: Float32Array };

export async function loadMatrix(matrix: WeightMatrix): Promise<LoadedMatrix> {
  return { rows: matrix.rows, columns: matrix.columns, data: await matrix.read(0, matrix.rows) };
}

export async function loadLinear({ weight, bias }: LinearWeights): Promise<LoadedLinear> {
  const loaded = await loadMatrix(weight);
  return bias === undefined ? { weight: loaded } : { weight: loaded, bias: (await loadMatrix(bias)).data };
}

export async function loadNorm({ weight, bias }: NormWeights): Promise<LoadedNorm> {
  const loaded = (await loadMatrix(weight)).data;
  return bias === undefined ? { weight: loaded } : { weight: loaded, bias: (await loadMatrix(bias)).data };
}

/** Row `index` as a new vector of f64. */
export function rowOf(matrix: LoadedMatrix, index: number): Float64Array {
  return Float64Array.from(matrix.data.subarray(index * matrix.columns, (index + 1) * matrix.columns));
}

/** x·weightᵀ + bias: [columns] → [rows]. */
export function applyLinear({ weight, bias }: LoadedLinear, x: Float64Array): Float64Array {
  const { rows, columns, data } = weight;
  const y = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = bias?.[row] ?? 0;
    for (let column = 0, at = row * columns; column < columns; column++, at++) sum += data[at]! * x[column]!;
    y[row] = sum;
  }
  return y;
}

export function addInto(target: Float64Array, addend: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i]! += addend[i]!;
}
