import { expect, test } from 'vitest';
import { partitionFromSizes, partitionSizes } from '../../core/partition.js';
import type { Partition } from '../../core/partition.js';
import { searchPartition, searchPartitionSync, searchSteps } from './partition-search.js';

/** Attention alone with the diagonal in full: the busiest rank's S·end. */
function busiest(partition: Partition): number {
  return Math.max(...partition.map((slice) => (slice.end - slice.start) * slice.end));
}

test('the grid search finds the balance of the paper’s example', () => {
  const { partition, ms } = searchPartitionSync({
    contextTokens: 9,
    ranks: 3,
    evaluate: busiest,
    minStepTokens: 1,
  });
  expect(partitionSizes(partition)).toEqual([4, 3, 2]);
  expect(ms).toBe(21);
});

test('a search over promises takes the same path as one over numbers', async () => {
  const asked: string[] = [];
  const search = { contextTokens: 1000, ranks: 4 };
  const sync = searchPartitionSync({
    ...search,
    evaluate: (partition) => (asked.push(partitionSizes(partition).join()), busiest(partition)),
  });
  const later = await searchPartition({
    ...search,
    evaluate: async (partition) => {
      expect(partitionSizes(partition).join()).toBe(asked.shift());
      return busiest(partition);
    },
  });
  expect(later).toEqual(sync);
  expect(asked).toEqual([]);
});

test('a search stops at its number of evaluations with the best so far', () => {
  const start = partitionFromSizes([500, 500], 1000);
  const result = searchPartitionSync({ contextTokens: 1000, ranks: 2, evaluate: busiest, maxEvaluations: 3 });
  expect(result.evaluations).toBe(3);
  expect(result.ms).toBeLessThanOrEqual(busiest(start));
});

test('steps are powers of two that halve into each other', () => {
  for (const tokens of [1, 2, 9, 1000, 4096, 1_000_000]) {
    const { coarseTokens, minTokens } = searchSteps(tokens, 3);
    expect(Number.isInteger(Math.log2(coarseTokens / minTokens))).toBe(true);
    expect(minTokens).toBeLessThanOrEqual(16);
  }
});

test('a cancelled search ends in CANCELLED', async () => {
  const search = { contextTokens: 100, ranks: 2, evaluate: busiest, signal: AbortSignal.abort() };
  expect(() => searchPartitionSync(search)).toThrowError(/cancelled/);
  await expect(searchPartition(search)).rejects.toMatchObject({ code: 'CANCELLED' });
});
