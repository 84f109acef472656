/**
 * Repeated measurements in three numbers. Pure.
 */
import { KvrError } from './errors.js';

export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/** The median of an even number of values is the mean of the two in the middle. @throws INTERNAL for no values */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [lower, upper] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (lower === undefined || upper === undefined) throw new KvrError('INTERNAL', 'a spread of 0 values');
  return { median: (lower + upper) / 2, min: sorted[0] as number, max: sorted[sorted.length - 1] as number };
}

/** The one whose value is in the middle; of two in the middle the lower. @throws INTERNAL for no values */
export function middleOf<T>(items: readonly T[], valueOf: (item: T) => number): T {
  const sorted = [...items].sort((a, b) => valueOf(a) - valueOf(b));
  const middle = sorted[(sorted.length - 1) >> 1];
  if (middle === undefined) throw new KvrError('INTERNAL', 'a middle of 0 items');
  return middle;
}
