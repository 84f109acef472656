import { expect, test } from 'vitest';
import { TINY_LLAMA } from '../../../test/reference/shapes.js';
import type { WorkerCost } from '../../plan/index.js';
import { requestSchema } from '../options/request.js';
import { partitionContext } from './chain-partition.js';
import { WorkerCosts } from './worker-costs.js';

/** A worker whose rows take so long. */
const taking = (rowMs: number): WorkerCost => ({
  block: [
    { tokens: 1, ms: rowMs },
    { tokens: 64, ms: 64 * rowMs },
  ],
  attention: { fixedMs: 0, tokenMs: 0, prefixTokenMs: 0, pairMs: 0 },
  ...{
    headMs: 0,
    callMs: 0,
    embedTokenMs: 0,
    firstBlockShare: 0.5,
    chunkTokens: 64,
    scale: 1,
    attentionScale: 1,
  },
});

test('a plan names the workers that it does without, and why', () => {
  const workers = ['fast', 'slow', 'equal'];
  const link = { latencyMs: 0.1, bytesPerS: 1e9, frameBytes: 1e6 };
  const known = {
    workers: [taking(1), taking(500), taking(1)],
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
