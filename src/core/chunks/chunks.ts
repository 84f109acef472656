/**
 * How a slice is cut into the runs of rows that go through the kernels in one call. Pure.
 */
import { chunkSizes } from './chunk-lengths.js';
import type { Slice } from '../partition.js';

/**
 * @param chunkEnds tokens at which a chunk must end as well, in any order; those outside the slice do not matter
 * @returns chunks of at most chunkTokens rows that cover the slice in order, of even length between two cuts
 */
export function chunksOf(slice: Slice, chunkTokens: number, chunkEnds: readonly number[]): Slice[] {
  const inside = chunkEnds.filter((token) => token > slice.start && token < slice.end).sort((a, b) => a - b);
  const chunks: Slice[] = [];
  let start = slice.start;
  for (const cut of [...inside, slice.end]) {
    for (const tokens of cut > start ? chunkSizes(cut - start, chunkTokens) : []) {
      chunks.push({ start, end: start + tokens });
      start += tokens;
    }
  }
  return chunks;
}
