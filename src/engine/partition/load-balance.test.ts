import { expect, test } from 'vitest';
import type { ModelShape } from '../../core/shape.js';
import { partitionFromSizes } from '../../core/partition.js';
import type { WorkerCost } from '../../plan/index.js';
import type { Costs, ChainPartition, PartitionContext } from './chain-partition.js';
import { type RequestSettings, requestSchema } from '../options/request.js';
import { balanceLoad } from './load-balance.js';

const SHAPE = { layers: 2, kvHeads: 1, headDim: 4 } as ModelShape;
const REQUEST: RequestSettings = requestSchema.parse({ promptIds: [1] });
const LINK = { latencyMs: 0.1, bytesPerS: 1e9, frameBytes: 1e6 };

function costOf(tokenMs: number): WorkerCost {
  return {
    block: [
      { tokens: 1, ms: tokenMs },
      { tokens: 64, ms: 64 * tokenMs },
    ],
    attention: { fixedMs: 0, tokenMs: 0, prefixTokenMs: 0, pairMs: 0 },
    headMs: 0,
    callMs: 0,
    embedTokenMs: 0,
    firstBlockShare: 0.5,
    chunkTokens: 64,
    scale: 1,
    attentionScale: 1,
  };
}

function contextOf(costs: readonly WorkerCost[] | undefined, workers = 2): PartitionContext {
  const plan = (): never => {
    throw new Error('a spread cut is not planned again');
  };
  const knowledge = { workers: [...(costs ?? [])], links: [LINK], kvDtype: 'f32' } as const;
  const book: Costs | undefined = costs && { knowledge, plan };
  return { contextTokens: 10, workers, shape: SHAPE, book, table: undefined };
}

const cutOf = (sizes: number[], workers: number[]): ChainPartition => ({
  partition: partitionFromSizes(sizes, 10),
  workers,
  predictedTtftMs: 20,
});
const EQUAL = contextOf([costOf(1), costOf(1)]);

test('an idle engine keeps its plan', () => {
  const cut = cutOf([5, 5], [0, 1]);
  expect(balanceLoad(cut, REQUEST, EQUAL, [0, 0])).toBe(cut);
});

test('one alone goes where less is held, a chain turns round to decode there', () => {
  expect(balanceLoad(cutOf([10], [0]), REQUEST, EQUAL, [5, 0]).workers).toEqual([1]);
  expect(balanceLoad(cutOf([6, 4], [0, 1]), REQUEST, EQUAL, [0, 5]).workers).toEqual([1, 0]);
  expect(balanceLoad(cutOf([6, 4], [0, 1]), REQUEST, EQUAL, [5, 0]).workers).toEqual([0, 1]);
});

test('a slower worker is no equal of the planned one', () => {
  const context = contextOf([costOf(1), costOf(2)]);
  expect(balanceLoad(cutOf([10], [0]), REQUEST, context, [5, 0]).workers).toEqual([0]);
});

test('what was asked for by size or number stays as it was asked for', () => {
  const cut = cutOf([10], [0]);
  expect(balanceLoad(cut, { ...REQUEST, partition: [10] }, EQUAL, [5, 0])).toBe(cut);
  expect(balanceLoad(cut, { ...REQUEST, workers: 1 }, EQUAL, [5, 0]).workers).toEqual([0]);
});
