import { expect, test } from 'vitest';
import { seededRandom } from '../core/random.js';
import { blockHashes, BLOCK_TOKENS } from './block-hashes.js';
import { longestPrefix } from './longest-prefix.js';

const ids = (tokens: number, seed: number): Int32Array => {
  const random = seededRandom(seed);
  return Int32Array.from({ length: tokens }, () => Math.floor(random() * 4));
};

test('prompts share the names of the blocks that they begin with, and no others', () => {
  const one = ids(5 * BLOCK_TOKENS, 1);
  const two = Int32Array.from(one);
  two[2 * BLOCK_TOKENS + 5] = 9;
  const [a, b] = [blockHashes('f32', one), blockHashes('f32', two)];
  expect(a.map((hash, at) => hash === b[at])).toEqual([true, true, false, false, false]);
  expect(new Set([...a, ...b]).size).toBe(8);
  for (const other of ['f16', 'q8'] as const) expect(blockHashes(other, one)).not.toContain(a[0]);
});

test('what is less than a block has no name', () => {
  expect(blockHashes('f32', ids(BLOCK_TOKENS - 1, 1))).toEqual([]);
  expect(blockHashes('f32', ids(2 * BLOCK_TOKENS - 1, 1))).toHaveLength(1);
});

/** By trying every length: all of its blocks are there, and none lacks rows before its end. */
function bruteForce(starts: readonly (number | undefined)[]): number {
  let best = 0;
  for (let count = 1; count <= starts.length; count++) {
    const end = count * BLOCK_TOKENS;
    if (starts.slice(0, count).every((start) => start !== undefined && start <= end)) best = end;
  }
  return best;
}

test('the longest prefix is that of brute force, whatever is stored from wherever on', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 2000; round++) {
    const hashes = blockHashes('f32', ids(8 * BLOCK_TOKENS, round));
    const starts = hashes.map(() => {
      const kind = random();
      if (kind < 0.15) return undefined;
      return kind < 0.6 ? 0 : Math.floor(random() * 9 * BLOCK_TOKENS);
    });
    const found = longestPrefix(hashes, (hash) => starts[hashes.indexOf(hash)]);
    expect(found, starts.join()).toBe(bruteForce(starts));
  }
});
