/**
 * Whether links hold a request up so much that its keys and values go over them, and into its caches, as int8. Pure.
 */
import type { KvDtype } from '../../core/shape.js';

/**
 * A plan with int8 rows has to be shorter by this part: it knows what links then take, and not what kernels need to widen
 * rows (not measured yet; the part is a guess). Two plans differ in nothing but bytes, so this is also what says
 * that links are the limit.
 */
const LEAST_GAIN = 0.1;

/** @param ttftMs until the first token, by a plan for such rows: what follows it goes over no link */
export function wireKvDtype(own: KvDtype, ttftMs: (kvDtype: KvDtype) => number): KvDtype {
  if (own === 'q8') return own;
  return ttftMs('q8') < (1 - LEAST_GAIN) * ttftMs(own) ? 'q8' : own;
}
