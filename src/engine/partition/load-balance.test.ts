import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import type { ModelShape } from '../../core/shape.js';
import { partitionFromSizes } from '../../core/partition.js';
import type { WorkerCost } from '../../plan/index.js';
import type { ChainPartition, PartitionContext } from './chain-partition.js';
import { type RequestSettings, requestSchema } from '../options/request.js';
import { balanceLoad } from './load-balance.js';
import { costOfRows } from './worker-cost.test-support.js';
import { WorkerCosts } from './worker-costs.js';

const SHAPE: ModelShape = { ...TINY_LLAMA, layers: 2, kvHeads: 1, headDim: 4 };
const REQUEST: RequestSettings = requestSchema.parse({ promptIds: [1] });
const LINK = { latencyMs: 0.1, bytesPerS: 1e9, frameBytes: 1e6 };

function contextOf(costs: readonly WorkerCost[], links = costs.slice(1).map(() => LINK)): PartitionContext {
  const workers = costs.map((_, index) => `w${index}`);
  const known = new WorkerCosts(workers, { workers: costs, links, kvDtype: 'f32' });
  return { contextTokens: 10, workers, shape: SHAPE, costs: known, table: undefined };
}

const planOf = (sizes: number[], workers: string[]): ChainPartition => ({
  partition: partitionFromSizes(sizes, 10),
  workers,
  predictedTtftMs: 20,
});
const held = (...bytes: number[]): Map<string, number> =>
  new Map(bytes.map((each, index) => [`w${index}`, each]));
const EQUAL = contextOf([costOfRows(1), costOfRows(1)]);

test('an idle engine keeps its plan', () => {
  const plan = planOf([5, 5], ['w0', 'w1']);
  expect(balanceLoad(plan, REQUEST, EQUAL, held(0, 0))).toBe(plan);
});

test('one alone goes where less is held, a chain turns round to decode there', () => {
  expect(balanceLoad(planOf([10], ['w0']), REQUEST, EQUAL, held(5, 0)).workers).toEqual(['w1']);
  expect(balanceLoad(planOf([6, 4], ['w0', 'w1']), REQUEST, EQUAL, held(0, 5)).workers).toEqual(['w1', 'w0']);
  expect(balanceLoad(planOf([6, 4], ['w0', 'w1']), REQUEST, EQUAL, held(5, 0)).workers).toEqual(['w0', 'w1']);
});

test('a slower worker is no equal of the planned one', () => {
  const context = contextOf([costOfRows(1), costOfRows(2)]);
  expect(balanceLoad(planOf([10], ['w0']), REQUEST, context, held(5, 0)).workers).toEqual(['w0']);
});

test('what was asked for by size or number stays as it was asked for', () => {
  const plan = planOf([10], ['w0']);
  expect(balanceLoad(plan, { ...REQUEST, partition: [10] }, EQUAL, held(5, 0))).toBe(plan);
  expect(balanceLoad(plan, { ...REQUEST, workers: 1 }, EQUAL, held(5, 0)).workers).toEqual(['w0']);
});

test('a chain past a left-out worker is priced by the slowest link on its way', () => {
  const plan = planOf([6, 4], ['w0', 'w2']);
  const costs = [costOfRows(1), costOfRows(1), costOfRows(1)];
  const slow = { ...LINK, latencyMs: 100 };
  const turned = balanceLoad(plan, REQUEST, contextOf(costs, [LINK, LINK]), held(0, 0, 5));
  expect(turned.workers).toEqual(['w2', 'w0']);
  const kept = balanceLoad(plan, REQUEST, contextOf(costs, [LINK, slow]), held(0, 0, 5));
  expect(kept.workers).toEqual(['w0', 'w2']);
});
