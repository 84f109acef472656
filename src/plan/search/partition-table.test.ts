import { expect, test } from 'vitest';
import { partitionFromSizes, partitionSizes } from '../../core/partition.js';
import { searchedPartition } from './exact-partition.js';
import { addTableEntry, emptyTable, lookUpPartition, parsePartitionTable } from './partition-table.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import { predictTtftMs } from '../predict/predict.js';
import { PLAIN_WORKER, seededRandom } from '../costs/random-costs.test-support.js';

function tableOf(...partitions: number[][]) {
  return partitions.reduce((table, sizes) => {
    return addTableEntry(
      table,
      partitionFromSizes(
        sizes,
        sizes.reduce((sum, size) => sum + size, 0),
      ),
    );
  }, emptyTable('k'));
}

test('ratios are interpolated between the two nearest lengths and clamped outside', () => {
  const table = tableOf([60, 40], [140, 60], [900, 100]);
  expect(partitionSizes(lookUpPartition(table, 160, 2))).toEqual([106, 54]); // 0.6 of the way from 0.6 to 0.7
  expect(partitionSizes(lookUpPartition(table, 200, 2))).toEqual([140, 60]);
  expect(partitionSizes(lookUpPartition(table, 50, 2))).toEqual([30, 20]);
  expect(partitionSizes(lookUpPartition(table, 5000, 2))).toEqual([4500, 500]);
});

test('sizes add up and every rank has a token, at any length', () => {
  const random = seededRandom(3);
  const table = tableOf([97, 1, 1, 1], [400, 300, 200, 100]);
  for (let round = 0; round < 200; round += 1) {
    const tokens = 4 + Math.floor(3000 * random());
    const partition = lookUpPartition(table, tokens, 4);
    expect(partition.at(-1)?.end).toBe(tokens);
    expect(Math.min(...partitionSizes(partition))).toBeGreaterThanOrEqual(1);
  }
});

test('a partition of the same length and ranks replaces the older one', () => {
  const table = tableOf([60, 40], [70, 30], [20, 30, 50]);
  expect(table.entries).toHaveLength(2);
  expect(partitionSizes(lookUpPartition(table, 100, 2))).toEqual([70, 30]);
});

test('a table survives JSON, and one that is broken or for another key is refused', () => {
  const table = tableOf([60, 40], [1, 1, 1]);
  expect(parsePartitionTable(JSON.parse(JSON.stringify(table)), 'k')).toEqual(table);
  expect(() => parsePartitionTable(table, 'other')).toThrowError(/for "k", not for "other"/);
  for (const ratios of [[0.5, 0.4], [1.5, -0.5], [], 'x', [0, 1]]) {
    const broken = { version: 1, key: 'k', entries: [{ contextTokens: 9, ratios }] };
    expect(() => parsePartitionTable(broken, 'k')).toThrowError(/broken at entries/);
  }
  expect(() => parsePartitionTable(null, 'k')).toThrowError(/broken/);
});

test('a number of ranks that is not in the table, or fewer tokens than ranks, is refused', () => {
  expect(() => lookUpPartition(tableOf([60, 40]), 100, 3)).toThrowError(/no partition for 3 workers/);
  expect(() => lookUpPartition(tableOf([60, 40]), 1, 2)).toThrowError(/1 tokens can not be partitioned/);
});

test('KVR-P stays within 1.3 % of KVR-S at lengths that are not in the table', () => {
  for (const ranks of [2, 8]) {
    let table = emptyTable('k');
    for (const length of [1024, 2048, 4096, 8192, 16_384]) {
      table = addTableEntry(table, searchedPartition(llamaLike(length, ranks), ranks).partition);
    }
    for (const length of [1500, 6000, 14_000]) {
      const costs = llamaLike(length, ranks);
      const predictedMs = predictTtftMs(costs, lookUpPartition(table, length, ranks));
      expect(predictedMs / searchedPartition(costs, ranks).ttftMs).toBeLessThan(1.013);
    }
  }
});

function llamaLike(contextTokens: number, ranks: number): ChainCosts {
  const worker = { ...PLAIN_WORKER, chunkTokens: 65_536 };
  const link = { latencyMs: 0.05, bytesPerS: 1.25e9, frameBytes: 262_144 };
  const workers = Array.from({ length: ranks }, () => worker);
  const links = workers.slice(1).map(() => link);
  return { contextTokens, cachedTokens: 0, workers, links, layers: 32, kvBytes: 32_768 };
}
