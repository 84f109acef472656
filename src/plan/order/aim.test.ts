import { expect, test } from 'vitest';
import { chooseChain } from '../chain-choice.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import type { WorkerCost } from '../costs/cost-model.js';
import { decodeTokenMs } from '../costs/decode-cost.js';
import { PLAIN_WORKER } from '../costs/random-costs.test-support.js';
import { preferenceOf } from './aim.js';

const LAN = { latencyMs: 0.1, bytesPerS: 1.25e9, frameBytes: 262_144 };
/** Slow at prompts, fast at a single row: a worker whose memory is fast and whose cores are few. */
const DECODER: WorkerCost = {
  ...PLAIN_WORKER,
  block: [
    { tokens: 1, ms: 4 },
    { tokens: 256, ms: 900 },
  ],
  // Long prefixes, as late ranks have them, cost it much.
  attention: { ...PLAIN_WORKER.attention, pairMs: 0.002 },
};

function costs(workers: readonly WorkerCost[]): ChainCosts {
  const links = workers.slice(1).map(() => LAN);
  return { contextTokens: 1024, cachedTokens: 0, layers: 8, kvBytes: 2048, workers, links };
}

test.each([
  [undefined, 1000, 999, 'first-token'],
  [undefined, 1000, 1000, 'whole-answer'],
  ['first-token', 10, 1000, 'first-token'],
  ['whole-answer', 1000, 10, 'whole-answer'],
] as const)('wish %s, %i prompt tokens, %i of the answer: %s', (wish, prompt, answer, wanted) => {
  expect(preferenceOf(wish, prompt, answer)).toBe(wanted);
});

test('for a whole answer the worker that decodes fastest is last, for the first token it is not', () => {
  const given = costs([DECODER, PLAIN_WORKER, PLAIN_WORKER]);
  expect(chooseChain(given, 'quick').workers.at(-1)).not.toBe(0);
  const whole = chooseChain(given, 'quick', { orders: 'any', decodeTokens: 2000 });
  expect(whole.workers.at(-1)).toBe(0);
  expect(whole.workers.length).toBeGreaterThan(1);
});

test('an answer that takes long does not hide what a worker saves of the prompt', () => {
  const given = costs([PLAIN_WORKER, PLAIN_WORKER]);
  const { workers } = chooseChain(given, 'quick', { orders: 'any', decodeTokens: 1_000_000 });
  expect(workers).toEqual([0, 1]);
});

test.each(['any', 'listed'] as const)(
  'the pinned worker is the last rank, whoever is faster (%s)',
  (orders) => {
    const slow = { ...PLAIN_WORKER, scale: 3, attentionScale: 3 };
    for (const workers of [
      [slow, PLAIN_WORKER, PLAIN_WORKER],
      Array.from({ length: 9 }, (_, at) => (at % 2 ? slow : PLAIN_WORKER)),
    ])
      for (const decodeOn of workers.keys()) {
        const { workers: chain } = chooseChain(costs(workers), 'quick', {
          orders,
          decodeTokens: 0,
          decodeOn,
        });
        expect(chain.at(-1)).toBe(decodeOn);
        expect(new Set(chain).size).toBe(chain.length);
        if (orders === 'any') expect(chain.length).toBeGreaterThan(1);
      }
  },
);

test('a further token costs one row of every block, of attention and of the head', () => {
  const { attention, callMs, embedTokenMs, headMs } = PLAIN_WORKER;
  const pairsMs = attention.fixedMs + attention.tokenMs + 101 * (attention.prefixTokenMs + attention.pairMs);
  const ms = decodeTokenMs(PLAIN_WORKER, { layers: 8 }, 100);
  expect(ms).toBeCloseTo(8 * (20 + pairsMs) + 9 * callMs + embedTokenMs + headMs, 6);
});
