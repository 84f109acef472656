import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import { requestSchema } from '../options/request.js';
import { partitionContext } from './chain-partition.js';
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
