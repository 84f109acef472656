/**
 * Repeated measurements in a few numbers: the one place for medians and quantiles. Pure.
 */
import { KvrError } from './errors.js';

/** What repeated measurements of one thing are told as. */
export type MedianRange = { readonly median: number; readonly min: number; readonly max: number };

/** @throws INTERNAL for no values */
export function medianRange(values: readonly number[]): MedianRange {
  return { median: median(values), min: quantile(values, 0), max: quantile(values, 1) };
}

/**
 * The median of an even number of values is the mean of the two in the middle.
 * @param ofNone the answer for no values. @throws INTERNAL for no values where it is not given
 */
export function median(values: readonly number[], ofNone?: number): number {
  return values.length === 0 && ofNone !== undefined ? ofNone : quantile(values, 0.5);
}

/**
 * The value below which a share of the values lies: 0 gives the smallest, 1 the largest, between two values of the
 * sorted list a point on the line between them. @throws INTERNAL for no values
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [lower, upper] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (lower === undefined || upper === undefined) throw new KvrError('INTERNAL', 'a quantile of 0 values');
  return lower === upper ? lower : lower + (place - Math.floor(place)) * (upper - lower);
}

/** The item whose value is in the middle; of two in the middle the lower. @throws INTERNAL for no items */
export function middleOf<T>(items: readonly T[], valueOf: (item: T) => number): T {
  const sorted = [...items].sort((a, b) => valueOf(a) - valueOf(b));
  const middle = sorted[(sorted.length - 1) >> 1];
  if (middle === undefined) throw new KvrError('INTERNAL', 'a middle of 0 items');
  return middle;
}
