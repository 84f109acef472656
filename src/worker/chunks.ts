/**
 * How a slice is cut into the runs of rows that go through the kernels in one call. Pure.
 */
import type { Slice } from '../core/partition.js';

/**
 * @param cutsAt tokens at which a chunk must end as well, in any order; those outside the slice do not matter
 * @returns chunks of at most chunkTokens rows that cover the slice in order
 */
export function chunksOf(slice: Slice, chunkTokens: number, cutsAt: readonly number[]): Slice[] {
  const cuts = cutsAt.filter((token) => token > slice.start && token < slice.end).sort((a, b) => a - b);
  const chunks: Slice[] = [];
  for (let start = slice.start; start < slice.end;) {
    const nextCut = cuts.find((token) => token > start) ?? slice.end;
    const end = Math.min(start + chunkTokens, nextCut);
    chunks.push({ start, end });
    start = end;
  }
  return chunks;
}
