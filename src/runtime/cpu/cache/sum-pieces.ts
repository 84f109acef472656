/**
 * The pieces of cached rows that one row's attention is added up in.
 */

/** Rows of the cache in one product of piecewiseRowAttention: no more than the kernels add up in one go, whatever the widths. */
export const PIECE_TOKENS = 128;
