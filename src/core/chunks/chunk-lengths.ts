/**
 * How many calls a run of rows takes when none may have more than `chunkTokens`, and how long they are: of even length,
 * since a short last call would cost more for each of its rows. Pure.
 */
import { evenPartition, partitionSizes } from '../partition.js';

/** The same lengths in three numbers, for sums without a list. */
export type ChunkLengths = {
  readonly count: number;
  /** Rows of the shorter chunks, which come last: what the next rank waits for is then no longer than need be. */
  readonly baseTokens: number;
  /** How many of the first chunks have one row more. */
  readonly longer: number;
};

/** @param chunkTokens at least 1, or Infinity for one chunk */
export function chunkLengths(tokens: number, chunkTokens: number): ChunkLengths {
  const count = chunkCount(tokens, chunkTokens);
  const baseTokens = count === 0 ? 0 : Math.floor(tokens / count);
  return { count, baseTokens, longer: tokens - count * baseTokens };
}

/** Lengths of the chunks, in order. */
export function chunkSizes(tokens: number, chunkTokens: number): number[] {
  return tokens === 0 ? [] : partitionSizes(evenPartition(tokens, chunkCount(tokens, chunkTokens)));
}

function chunkCount(tokens: number, chunkTokens: number): number {
  return tokens === 0 ? 0 : Math.max(1, Math.ceil(tokens / chunkTokens));
}
