import { expect, test } from 'vitest';
import { evenPartition, partitionFromSizes } from '../core/partition.js';
import { dotProductsPerRank, kvEntriesMoved } from './worked-example.js';

const EVEN = evenPartition(9, 3);
const SLICES = partitionFromSizes([4, 3, 2], 9);

test('dense TSP of 9 tokens on 3 ranks does 27 dot products a rank and moves 36 entries', () => {
  expect(dotProductsPerRank(EVEN, 'tsp-dense')).toEqual([27, 27, 27]);
  expect(kvEntriesMoved(EVEN, 'tsp-dense')).toBe(36);
});

test('KVR with the partition 4,3,2 does 16, 21 and 18 dot products and moves 22 entries', () => {
  expect(dotProductsPerRank(SLICES, 'kvr')).toEqual([16, 21, 18]);
  expect(kvEntriesMoved(SLICES, 'kvr')).toBe(22);
});

test('KVR with the even partition has 27 on the busiest rank and moves 18 entries, half of TSP', () => {
  expect(Math.max(...dotProductsPerRank(EVEN, 'kvr'))).toBe(27);
  expect(kvEntriesMoved(EVEN, 'kvr')).toBe(18);
});

test('an even partition moves half the entries of an all-gather, whatever the ranks', () => {
  for (const ranks of [2, 3, 4, 8, 16]) {
    const even = evenPartition(ranks * 100, ranks);
    expect(kvEntriesMoved(even, 'kvr') * 2).toBe(kvEntriesMoved(even, 'tsp'));
    expect(kvEntriesMoved(even, 'tsp')).toBe(2 * (ranks - 1) * ranks * 100);
  }
});
