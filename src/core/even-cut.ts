/**
 * How many calls a run of rows takes when no call may have more than `chunkTokens`, and how long they are: all of the
 * same length, or of two that differ by one row. A short last call would cost more for each of its rows. Pure.
 */
export type EvenCut = {
  readonly count: number;
  /** Rows of the shorter chunks, which come last: what the next rank waits for is then no longer than need be. */
  readonly baseTokens: number;
  /** How many of the first chunks have one row more. */
  readonly longer: number;
};

/** @param chunkTokens at least 1, or Infinity for one chunk */
export function evenCut(tokens: number, chunkTokens: number): EvenCut {
  if (tokens === 0) return { count: 0, baseTokens: 0, longer: 0 };
  const count = Math.max(1, Math.ceil(tokens / chunkTokens));
  const baseTokens = Math.floor(tokens / count);
  return { count, baseTokens, longer: tokens - count * baseTokens };
}

/** Lengths of the chunks, in order. */
export function evenSizes(tokens: number, chunkTokens: number): number[] {
  const { count, baseTokens, longer } = evenCut(tokens, chunkTokens);
  return Array.from({ length: count }, (_, chunk) => baseTokens + (chunk < longer ? 1 : 0));
}
