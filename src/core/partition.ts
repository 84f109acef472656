/**
 * Slices and partitions: how a context is cut over the ranks. Pure.
 */
import { KvrError } from './errors.js';

/** A run of tokens [start, end). */
export type Slice = { readonly start: number; readonly end: number };

/** Slices in rank order that cover [0, contextTokens) once; none is empty. */
export type Partition = readonly Slice[];

/** The most ranks one request may be spread over. */
export const MAX_RANKS = 1024;

export function sliceTokens(slice: Slice): number {
  return slice.end - slice.start;
}

/** Sizes in rank order, the way partitions are printed and typed in. */
export function partitionSizes(partition: Partition): number[] {
  return partition.map(sliceTokens);
}

/** Tokens of all slices together. */
export function contextTokensOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The slice of one rank, of sizes in rank order; an empty one beyond the last rank. */
export function sliceAt(sizes: readonly number[], rank: number): Slice {
  const start = contextTokensOf(sizes.slice(0, rank));
  return { start, end: start + (sizes[rank] ?? 0) };
}

/** Turns sizes into slices. @throws BAD_INPUT where a size is not a whole number above 0 or they do not add up. */
export function partitionFromSizes(sizes: readonly number[], contextTokens: number): Partition {
  const slices: Slice[] = [];
  let start = 0;
  for (const size of sizes) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new KvrError('BAD_INPUT', `partition size ${size} is not a whole number of at least 1 token`);
    }
    slices.push({ start, end: start + size });
    start += size;
  }
  if (start !== contextTokens) {
    throw new KvrError(
      'BAD_INPUT',
      `partition ${sizes.join(',')} adds up to ${start} tokens, but the prompt has ${contextTokens}; give sizes that add up to ${contextTokens}`,
    );
  }
  return slices;
}

/** KVR-E: sizes that differ by at most one, larger ones first; fewer ranks where there are fewer tokens than ranks. */
export function evenPartition(contextTokens: number, ranks: number): Partition {
  const used = Math.max(1, Math.min(ranks, contextTokens));
  const base = Math.floor(contextTokens / used);
  const longer = contextTokens % used;
  return partitionFromSizes(
    Array.from({ length: used }, (_, rank) => base + (rank < longer ? 1 : 0)),
    contextTokens,
  );
}
