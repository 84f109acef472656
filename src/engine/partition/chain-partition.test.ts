import { expect, test, vi } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import type { KvDtype } from '../../core/shape.js';
import { requestSchema } from '../options/request.js';
import { partitionContext } from './chain-partition.js';
import { wireKvDtype } from './kv-wire.js';
import { costOfRows } from './worker-cost.test-support.js';
import { WorkerCosts } from './worker-costs.js';

test('a plan names the workers that it does without, and why', () => {
  const workers = ['fast', 'slow', 'equal'];
  const link = { latencyMs: 0.1, bytesPerS: 1e9, frameBytes: 1e6 };
  const known = {
    workers: [costOfRows(1), costOfRows(500), costOfRows(1)],
    links: [link, link],
    kvDtype: 'f32' as const,
  };
  const context = { contextTokens: 40, workers, shape: TINY_LLAMA, costs: new WorkerCosts(workers, known) };
  const planned = partitionContext(requestSchema.parse({}), { ...context, table: undefined });
  expect(planned.workers).not.toContain('slow');
  expect(planned.leftOut?.map(({ worker }) => worker)).toEqual(['slow']);
  expect(planned.leftOut?.[0]?.reason).toMatch(
    /^the first token would take [\d.]+ ms with 3 workers, [\d.]+ ms without/,
  );
  const asked = partitionContext(requestSchema.parse({ partition: 'e' }), { ...context, table: undefined });
  expect([asked.workers, asked.leftOut]).toEqual([workers, undefined]);
});

/** By the plan of two equal workers with such a link. */
function choose(own: KvDtype, bytesPerS: number, contextTokens = 64): KvDtype {
  const known = {
    workers: [costOfRows(1), costOfRows(1)],
    links: [{ latencyMs: 0, bytesPerS, frameBytes: 1e6 }],
    kvDtype: own,
  };
  const costs = new WorkerCosts(['a', 'b'], known);
  const context = { contextTokens, workers: ['a', 'b'], shape: TINY_LLAMA, table: undefined };
  return wireKvDtype(own, (kvDtype) => {
    const at = { ...context, costs: costs.withKvDtype(kvDtype) };
    return partitionContext(requestSchema.parse({}), at).predictedTtftMs ?? Infinity;
  });
}

test('int8 is chosen where a link is the limit, and nowhere else', () => {
  // 64 rows take about as many ms; at 50 kB/s a plan in f32 takes 83 ms and one in int8 72.
  expect(choose('f32', 1e9)).toBe('f32');
  expect(choose('f32', 5e4)).toBe('q8');
  expect(choose('f16', 1e9)).toBe('f16');
});

test('a link that is too slow for int8 too is done without, exactly', () => {
  expect(choose('f32', 1)).toBe('f32');
});

test('an engine that has int8 anyway makes no plans for it', () => {
  const ttftMs = vi.fn(() => 1);
  expect(wireKvDtype('q8', ttftMs)).toBe('q8');
  expect(ttftMs).not.toHaveBeenCalled();
});
