/** Guards against plans that take many times too long; how long they take is what bench/planning.ts prints. */
import { expect, test } from 'vitest';
import { LLAMA_7B } from '../core/published-shapes.js';
import { planPartition } from './plan.js';
import { randomWorker, seededRandom } from './costs/random-costs.test-support.js';

/** The machine that runs tests may be slow, and busy with other tests. */
const MARGIN = 5;
const PLANS = 5;

test.each([
  { workers: 8, contextTokens: 16_384, limitMs: 20 },
  { workers: 128, contextTokens: 1_048_576, limitMs: 2000 },
])('a plan for $workers workers and $contextTokens tokens is due in $limitMs ms', (each) => {
  const { contextTokens, limitMs } = each;
  const random = seededRandom(1);
  const workers = Array.from({ length: each.workers }, () => randomWorker(random, 512));
  const links = workers.slice(1).map(() => ({ latencyMs: 0.05, bytesPerS: 1.25e9, frameBytes: 65_536 }));
  let leastMs = Infinity;
  for (let plan = 0; plan < PLANS && leastMs > limitMs; plan += 1) {
    const startMs = performance.now();
    planPartition({ contextTokens, workers, links, shape: LLAMA_7B });
    leastMs = Math.min(leastMs, performance.now() - startMs);
  }
  expect(leastMs).toBeLessThan(limitMs * MARGIN);
});
