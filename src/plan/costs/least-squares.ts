/**
 * Small robust least squares with coefficients that may not be negative, for fitting costs to noisy times. Pure.
 * Sources: Huber's weights by iterated reweighting; non-negativity by trying every subset of the few features.
 */
import { median } from '../../core/statistics.js';

/** One observation: value ≈ Σ coefficient·feature. */
export type Observation = { readonly features: readonly number[]; readonly value: number };

/** Residuals beyond this many times the median one count less: Huber's usual 1.345 σ, σ = median/0.6745. */
const HUBER_MEDIANS = 1.345 / 0.6745;
const REWEIGHTINGS = 10;
/** Pivots below this share of the largest mean that the features say the same thing twice. */
const SINGULAR = 1e-10;

/**
 * Coefficients, all at least 0, that fit best relative to each value: a time off by 10 % weighs the same at 1 ms and
 * at 1 s, and outliers lose their pull. Few features (2^n subsets are tried).
 */
export function fitNonNegative(observations: readonly Observation[]): number[] {
  const relative = observations.map(({ features, value }) => features.map((feature) => feature / value));
  let weights = relative.map(() => 1);
  let best = bestSubset(relative, weights);
  for (let pass = 0; pass < REWEIGHTINGS; pass += 1) {
    weights = huberWeights(relative.map((row) => Math.abs(1 - dot(row, best))));
    best = bestSubset(relative, weights);
  }
  return best;
}

function huberWeights(residuals: readonly number[]): number[] {
  const limit = HUBER_MEDIANS * median(residuals);
  return residuals.map((residual) => (residual <= limit || residual === 0 ? 1 : limit / residual));
}

/** The non-negative optimum lies on one of the subsets' unconstrained optima. */
function bestSubset(rows: readonly (readonly number[])[], weights: readonly number[]): number[] {
  const count = rows[0]?.length ?? 0;
  let best: number[] = Array.from({ length: count }, () => 0);
  let bestError = errorOf(rows, weights, best);
  for (let mask = 1; mask < 2 ** count; mask += 1) {
    const used = Array.from({ length: count }, (_, index) => index).filter((index) => (mask >> index) & 1);
    const solved = solveSubset(rows, weights, used, count);
    if (solved === undefined || solved.some((coefficient) => coefficient < 0)) continue;
    const error = errorOf(rows, weights, solved);
    if (error < bestError) [best, bestError] = [solved, error];
  }
  return best;
}

function errorOf(
  rows: readonly (readonly number[])[],
  weights: readonly number[],
  coefficients: readonly number[],
): number {
  return rows.reduce(
    (sum, row, index) => sum + (weights[index] as number) * (1 - dot(row, coefficients)) ** 2,
    0,
  );
}

/** Normal equations of the used features, columns scaled to length 1; undefined where they are singular. */
function solveSubset(
  rows: readonly (readonly number[])[],
  weights: readonly number[],
  used: readonly number[],
  count: number,
): number[] | undefined {
  const lengths = used.map((feature) =>
    Math.sqrt(rows.reduce((sum, row) => sum + (row[feature] as number) ** 2, 0)),
  );
  if (lengths.some((length) => length === 0)) return undefined;
  const scaled = rows.map((row) =>
    used.map((feature, column) => (row[feature] as number) / (lengths[column] as number)),
  );
  const weighted = (a: (row: number[]) => number): number =>
    scaled.reduce((sum, row, index) => sum + (weights[index] as number) * a(row), 0);
  const matrix = used.map((_, i) => [
    ...used.map((__, j) => weighted((row) => (row[i] as number) * (row[j] as number))),
    weighted((row) => row[i] as number),
  ]);
  const solution = eliminate(matrix);
  if (solution === undefined) return undefined;
  const result = Array.from({ length: count }, () => 0);
  for (const [column, feature] of used.entries())
    result[feature] = (solution[column] as number) / (lengths[column] as number);
  return result;
}

/** Gauss–Jordan with row pivots on an augmented matrix, which is overwritten. */
function eliminate(matrix: number[][]): number[] | undefined {
  const size = matrix.length;
  for (let column = 0; column < size; column += 1) {
    const pivot = pivotRow(matrix, column);
    const row = matrix[pivot] as number[];
    if (Math.abs(row[column] as number) < SINGULAR) return undefined;
    [matrix[pivot], matrix[column]] = [matrix[column] as number[], row];
    for (const [index, other] of matrix.entries()) {
      if (index === column) continue;
      const factor = (other[column] as number) / (row[column] as number);
      for (let k = column; k <= size; k += 1) other[k] = (other[k] as number) - factor * (row[k] as number);
    }
  }
  return matrix.map((row, index) => (row[size] as number) / (row[index] as number));
}

function pivotRow(matrix: readonly (readonly number[])[], column: number): number {
  let best = column;
  for (let row = column + 1; row < matrix.length; row += 1) {
    if (Math.abs(matrix[row]?.[column] as number) > Math.abs(matrix[best]?.[column] as number)) best = row;
  }
  return best;
}

function dot(row: readonly number[], coefficients: readonly number[]): number {
  return row.reduce((sum, value, index) => sum + value * (coefficients[index] as number), 0);
}
