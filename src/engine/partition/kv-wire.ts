/**
 * Whether links hold a request up so much that its keys and values go over them, and into its caches, as int8. Pure.
 */
import type { KvDtype } from '../../core/shape.js';

/**
 * A plan with int8 rows has to be shorter by this part: it knows what links then take, and not what kernels need to widen
 * rows (a few percent of the first token's time, measured). Two plans differ in nothing but bytes, so this is also what says
 * that links are the limit.
 */
const LEAST_GAIN = 0.1;

/** @param plannedMs the time of a plan with such rows */
export function wireKvDtype(own: KvDtype, plannedMs: (kvDtype: KvDtype) => number): KvDtype {
  if (own === 'q8') return own;
  return plannedMs('q8') < (1 - LEAST_GAIN) * plannedMs(own) ? 'q8' : own;
}
