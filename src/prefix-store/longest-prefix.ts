/**
 * How much of a prompt stored blocks hold. Pure.
 */
import { BLOCK_TOKENS } from './block-hashes.js';

/**
 * Tokens of the longest prefix of which all rows are there that a prompt needs to go on. Layers with a window lack early rows where
 * a block's start is after 0, so a prefix must reach up to the start of each block in it.
 * @param hashes of the prompt's blocks. @param startOf from where a block holds rows; undefined for one that is not stored
 */
export function longestPrefix(
  hashes: readonly string[],
  startOf: (hash: string) => number | undefined,
): number {
  let longest = 0;
  let needed = 0;
  for (const [block, hash] of hashes.entries()) {
    const start = startOf(hash);
    if (start === undefined) break;
    needed = Math.max(needed, start);
    const end = (block + 1) * BLOCK_TOKENS;
    if (end >= needed) longest = end;
  }
  return longest;
}
