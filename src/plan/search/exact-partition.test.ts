import { expect, test } from 'vitest';
import { evenPartition, partitionFromSizes, partitionSizes } from '../../core/partition.js';
import type { Partition } from '../../core/partition.js';
import { exactPartition, type SearchedPartition, searchedPartition } from './exact-partition.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import { predictTtftMs } from '../predict/predict.js';
import { randomCosts, seededRandom } from '../costs/random-costs.test-support.js';

/** Every partition of `tokens` into `ranks` slices. */
function* allPartitions(tokens: number, ranks: number): Generator<number[]> {
  if (ranks === 1) {
    yield [tokens];
    return;
  }
  for (let first = 1; first <= tokens - ranks + 1; first += 1) {
    for (const rest of allPartitions(tokens - first, ranks - 1)) yield [first, ...rest];
  }
}

function bruteForceMs(costs: ChainCosts, ranks: number): number {
  let best = Infinity;
  for (const sizes of allPartitions(costs.contextTokens, ranks)) {
    best = Math.min(best, predictTtftMs(costs, partitionFromSizes(sizes, costs.contextTokens)));
  }
  return best;
}

/** KVR-E with its prediction. */
function evenly(costs: ChainCosts, ranks: number): SearchedPartition {
  const partition = evenPartition(costs.contextTokens, ranks);
  return { partition, ttftMs: predictTtftMs(costs, partition) };
}

function coversOnce(partition: Partition, tokens: number): void {
  expect(partition[0]?.start).toBe(0);
  expect(partition.at(-1)?.end).toBe(tokens);
  for (const [rank, slice] of partition.entries()) {
    expect(slice.end).toBeGreaterThan(slice.start);
    if (rank > 0) expect(slice.start).toBe(partition[rank - 1]?.end);
  }
}

test('every partition covers the context once and in order, and exact ≤ KVR-S ≤ KVR-E', () => {
  const random = seededRandom(11);
  for (let round = 0; round < 40; round += 1) {
    const ranks = 1 + Math.floor(8 * random());
    const contextTokens = ranks + Math.floor(2000 * random() ** 2);
    const costs = randomCosts(random, { ranks, contextTokens, chunkTokens: 1 + Math.floor(600 * random()) });
    const [even, searched, exact] = [
      evenly(costs, ranks),
      searchedPartition(costs, ranks),
      exactPartition(costs, ranks),
    ];
    for (const { partition } of [even, searched, exact]) coversOnce(partition, contextTokens);
    coversOnce(exactPartition(costs, ranks, 'quick').partition, contextTokens);
    expect(searched.ttftMs).toBeLessThanOrEqual(even.ttftMs);
    expect(exact.ttftMs).toBeLessThanOrEqual(searched.ttftMs);
  }
});

test('brute force over all partitions agrees on small sizes', () => {
  const random = seededRandom(12);
  for (let round = 0; round < 60; round += 1) {
    const ranks = 2 + Math.floor(3 * random());
    const contextTokens = ranks + Math.floor(24 * random());
    const costs = randomCosts(random, { ranks, contextTokens, chunkTokens: 1 + Math.floor(12 * random()) });
    const best = bruteForceMs(costs, ranks);
    const exact = exactPartition(costs, ranks).ttftMs;
    expect(exact).toBeGreaterThanOrEqual(best - 1e-9);
    // One token more or less on a rank is what rounding may cost.
    expect(exact).toBeLessThanOrEqual(best * 1.0001 + tokenMs(costs));
  }
});

/** The most one token of one rank costs. */
function tokenMs(costs: ChainCosts): number {
  const whole = { ...costs, workers: [], links: [] };
  return Math.max(
    ...costs.workers.map((worker) => {
      const one = (tokens: number) =>
        predictTtftMs(
          { ...whole, workers: [worker], contextTokens: tokens },
          partitionFromSizes([tokens], tokens),
        );
      return (one(costs.contextTokens) - one(costs.contextTokens - 1)) / 2;
    }),
  );
}

test('equal workers on free links get slices that never grow along the chain', () => {
  const random = seededRandom(13);
  for (let round = 0; round < 15; round += 1) {
    const ranks = 2 + Math.floor(8 * random());
    const contextTokens = 10 * ranks + Math.floor(4000 * random());
    const costs = randomCosts(random, { ranks, contextTokens, equal: true, freeLinks: true });
    for (const effort of ['quick', 'full'] as const) {
      const sizes = partitionSizes(exactPartition(costs, ranks, effort).partition);
      expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    }
  }
});

test('a worker of half the speed gets a smaller slice, and the partition beats the even one by at least 1.2', () => {
  const costs = randomCosts(seededRandom(14), {
    ranks: 2,
    contextTokens: 4096,
    equal: true,
    freeLinks: true,
  });
  const workers = costs.workers.map((worker, rank) => ({ ...worker, scale: rank === 1 ? 2 : 1 }));
  const unequal = { ...costs, workers };
  const exact = exactPartition(unequal, 2);
  const [fast, slow] = partitionSizes(exact.partition) as [number, number];
  expect(slow).toBeLessThan(fast);
  expect(evenly(unequal, 2).ttftMs / exact.ttftMs).toBeGreaterThan(1.2);
});

test('quick effort stays within 2 % of full effort', () => {
  const random = seededRandom(15);
  for (let round = 0; round < 10; round += 1) {
    const ranks = 2 + Math.floor(7 * random());
    const costs = randomCosts(random, {
      ranks,
      contextTokens: 4096,
      equal: true,
      freeLinks: true,
      chunkTokens: 256,
    });
    expect(exactPartition(costs, ranks, 'quick').ttftMs).toBeLessThanOrEqual(
      1.02 * exactPartition(costs, ranks).ttftMs,
    );
  }
});

test('more ranks than tokens leave ranks out instead of making empty slices', () => {
  const costs = randomCosts(seededRandom(16), { ranks: 6, contextTokens: 3 });
  expect(exactPartition(costs, 6).partition).toHaveLength(3);
});
