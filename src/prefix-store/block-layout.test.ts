import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../test/reference/shapes.js';
import { kvRowBytes, type ModelShape } from '../core/shape.js';
import { BLOCK_TOKENS } from './block-hashes.js';
import { blockParts, partsBytes } from './block-layout.js';
import { hasWindows } from '../core/kv-rows.js';

const [spec] = TINY_LLAMA.specs;
const WINDOWED = { ...spec!, attention: { ...spec!.attention, windowTokens: 40 } };
const MIXED: ModelShape = { ...TINY_LLAMA, layers: 3, specs: [WINDOWED, spec!] };

test('a block of a cache that has all rows holds all of them, in every layer', () => {
  const parts = blockParts(MIXED, 'f32', 2, 0);
  expect(parts.map(({ from, to }) => [from, to])).toEqual(Array(3).fill([128, 192]));
  expect(partsBytes(parts)).toBe(3 * BLOCK_TOKENS * kvRowBytes(MIXED, 'f32'));
});

test('layers with a window hold what the cache had: from the first row that its slice sees', () => {
  // A slice that begins at 190 sees rows from 151 on.
  const starts = (block: number): number[] => blockParts(MIXED, 'f16', block, 190).map(({ from }) => from);
  expect(starts(0)).toEqual([64, 0, 64]);
  expect(starts(2)).toEqual([151, 128, 151]);
  expect(starts(3)).toEqual([192, 192, 192]);
});

test('parts lie one behind the other', () => {
  const parts = blockParts(MIXED, 'f16', 2, 190);
  expect(parts.map(({ offset }) => offset)).toEqual(parts.map((_, at) => partsBytes(parts.slice(0, at))));
  expect([hasWindows(MIXED), hasWindows(TINY_LLAMA)]).toEqual([true, false]);
});
