import { expect, test } from 'vitest';
import type { WorkerCost } from '../../plan/index.js';
import { WorkerCosts } from './worker-costs.js';

const worker = (headMs: number): WorkerCost => ({ headMs }) as WorkerCost;
const FAST = { latencyMs: 1, bytesPerS: 2e9, frameBytes: 1e6 };
const SLOW = { latencyMs: 5, bytesPerS: 1e9, frameBytes: 1e6 };
const COSTS = new WorkerCosts(['a', 'b', 'c'], {
  workers: [worker(1), worker(2), worker(3)],
  links: [FAST, SLOW],
  kvDtype: 'f32',
});

test('a chain has its workers in the order that is asked for, whichever way it runs', () => {
  expect(COSTS.chain(['a', 'b'])).toEqual({ workers: [worker(1), worker(2)], links: [FAST], kvDtype: 'f32' });
  expect(COSTS.chain(['c', 'b'])).toEqual({ workers: [worker(3), worker(2)], links: [SLOW], kvDtype: 'f32' });
});

test('the way past a left-out worker is as slow as the slowest link that it spans', () => {
  expect(COSTS.chain(['a', 'c']).links).toEqual([SLOW]);
  expect(COSTS.chain(['c', 'a']).links).toEqual([SLOW]);
});

test('a worker that was not measured is a defect, by its name', () => {
  expect(() => COSTS.chain(['a', 'x'])).toThrow(/worker x was not measured/);
});
