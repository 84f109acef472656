/**
 * One row of what the ranks of a chain have pooled.
 */
import { KvrError } from '../../core/errors.js';
import type { PooledSlice } from '../chain/chain-events.js';

/**
 * The mean of all rows that the ranks have added up, [hidden]. Added in rank order, whatever order they came in, so that the same
 * request gives the same numbers. @throws PROTOCOL where there are none, or ranks disagree on the width
 */
export function meanOf(slices: readonly (PooledSlice & { readonly rank: number })[]): Float32Array {
  const inOrder = [...slices].sort((a, b) => a.rank - b.rank);
  const tokens = inOrder.reduce((sum, slice) => sum + slice.tokens, 0);
  const hidden = inOrder[0]?.sums.length ?? 0;
  if (tokens === 0 || inOrder.some(({ sums }) => sums.length !== hidden)) {
    const message = 'the workers sent no pooled rows that fit together; start workers of this version';
    throw new KvrError('PROTOCOL', message);
  }
  const total = (at: number): number => inOrder.reduce((sum, { sums }) => sum + (sums[at] ?? 0), 0);
  return Float32Array.from({ length: hidden }, (_, at) => total(at) / tokens);
}
