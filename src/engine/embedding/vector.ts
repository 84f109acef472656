/**
 * From a pooled row to an embedding: cut to fewer numbers, and brought to length 1. Pure.
 */

export type VectorOptions = {
  /** At most as many as the row has; all where undefined. */
  readonly dimensions: number | undefined;
  readonly isNormalized: boolean;
};

/** @returns a new array; a row of zeros stays one, as it has no direction */
export function vectorOf(row: Float32Array, { dimensions, isNormalized }: VectorOptions): Float32Array {
  const kept = row.slice(0, dimensions);
  if (!isNormalized) return kept;
  const length = Math.sqrt(kept.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? kept : kept.map((value) => value / length);
}
