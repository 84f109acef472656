/**
 * What caches of other element types than f32 do to keys and values, written out in f64 one head at a time.
 */
import type { KvDtype } from '../../src/core/shape.js';
import type { Rounding } from './block.js';

export const ROUNDINGS: Readonly<Record<KvDtype, Rounding>> = {
  f32: (head) => head,
  f16: (head) => head.map(toF16),
  q8: toQ8,
};

/** The nearest f16, for numbers that are neither very small nor very large. */
function toF16(value: number): number {
  if (value === 0) return 0;
  const step = 2 ** Math.max(-24, Math.floor(Math.log2(Math.abs(value))) - 10);
  return Math.round(value / step) * step;
}

/** The nearest of 255 numbers, evenly apart from minus to plus the head's largest. */
function toQ8(head: Float64Array): Float64Array {
  const step = head.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
  return step === 0 ? head : head.map((value) => Math.round(value / step) * step);
}
