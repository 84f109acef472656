import { expect, test } from 'vitest';
import type { RankTimeline } from '../../core/timeline.js';
import type { CostSample } from './calibration.js';
import { fitWorkerCost, refreshCost, SCALE_BOUNDS } from './calibration.js';
import type { WorkerCost } from './cost-model.js';
import { attentionMs, blockMs } from './cost-model.js';
import { predict } from '../predict/predict.js';
import { seededRandom } from './random-costs.test-support.js';
import { parseStoredCost, storedCost } from './stored-cost.js';

const TRUE_COST: WorkerCost = {
  block: [1, 64, 256].map((tokens) => ({ tokens, ms: 3 + tokens })),
  firstBlockShare: 0.25,
  attention: { fixedMs: 0.3, tokenMs: 0.02, prefixTokenMs: 0.005, pairMs: 0.0002 },
  callMs: 0,
  embedTokenMs: 0,
  headMs: 12,
  chunkTokens: 256,
  scale: 1,
  attentionScale: 1,
};
const OPTIONS = { chunkTokens: 256, firstBlockShare: 0.25 };

/** Three repetitions of each call with a noise of ±3 %, and every tenth call held up for twice its time. */
function samples(random: () => number): CostSample[] {
  const result: CostSample[] = [];
  const noisy = (ms: number) => ms * (0.97 + 0.06 * random()) * (random() < 0.1 ? 2 : 1);
  for (let repetition = 0; repetition < 3; repetition += 1) {
    for (const tokens of [1, 64, 256]) {
      result.push({ kind: 'block', tokens, prefixTokens: 0, ms: noisy(blockMs(TRUE_COST, tokens)) });
      for (const prefixTokens of [0, 500, 1000, 4000]) {
        result.push({
          kind: 'attention',
          tokens,
          prefixTokens,
          ms: noisy(attentionMs(TRUE_COST, tokens, prefixTokens)),
        });
      }
    }
    result.push({ kind: 'head', tokens: 1, prefixTokens: 0, ms: noisy(12) });
  }
  return result;
}

test('the fit finds the cost behind noisy samples with outliers, also between and beyond the measured lengths', () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const cost = fitWorkerCost(samples(seededRandom(seed)), OPTIONS);
    for (const tokens of [1, 30, 100, 256]) {
      for (const prefixTokens of [0, 700, 3000, 8000]) {
        const wanted = attentionMs(TRUE_COST, tokens, prefixTokens);
        expect(Math.abs(attentionMs(cost, tokens, prefixTokens) / wanted - 1)).toBeLessThan(0.12);
      }
    }
  }
});

test('without noise the fit is exact', () => {
  const exact = samples(() => 0.5).filter((sample) => sample.kind !== 'head');
  const cost = fitWorkerCost([...exact, { kind: 'head', tokens: 1, prefixTokens: 0, ms: 12 }], OPTIONS);
  expect(cost.headMs).toBe(12);
  expect(cost.attention.pairMs).toBeCloseTo(TRUE_COST.attention.pairMs, 9);
  expect(cost.attention.prefixTokenMs).toBeCloseTo(TRUE_COST.attention.prefixTokenMs, 7);
  expect(blockMs(cost, 160)).toBeCloseTo(163, 9);
});

test('coefficients are never negative, and longer blocks never cheaper', () => {
  const odd: CostSample[] = [
    { kind: 'block', tokens: 8, prefixTokens: 0, ms: 9 },
    { kind: 'block', tokens: 16, prefixTokens: 0, ms: 7 },
    { kind: 'attention', tokens: 8, prefixTokens: 0, ms: 5 },
    { kind: 'attention', tokens: 8, prefixTokens: 900, ms: 1 },
    { kind: 'head', tokens: 1, prefixTokens: 0, ms: 1 },
  ];
  const cost = fitWorkerCost(odd, OPTIONS);
  expect(Math.min(...Object.values(cost.attention))).toBeGreaterThanOrEqual(0);
  expect(cost.block).toEqual([
    { tokens: 8, ms: 9 },
    { tokens: 16, ms: 9 },
  ]);
});

test('samples that are no times, and kinds that were not measured, are refused', () => {
  expect(() => fitWorkerCost([{ kind: 'block', tokens: 1, prefixTokens: 0, ms: NaN }], OPTIONS)).toThrowError(
    /took NaN ms/,
  );
  expect(() => fitWorkerCost([{ kind: 'block', tokens: 1, prefixTokens: 0, ms: 1 }], OPTIONS)).toThrowError(
    /0 samples of kind attention/,
  );
});

/** What a machine so many times as slow as TRUE_COST would hand in, alone on 512 tokens. */
function timeline(factor: number, attentionFactor = factor): RankTimeline {
  const whole = {
    contextTokens: 512,
    cachedTokens: 0,
    workers: [TRUE_COST],
    links: [],
    layers: 4,
    kvBytes: 1,
  };
  const { ttftMs, ranks } = predict(whole, [{ start: 0, end: 512 }]);
  const expectedMs = ranks[0]?.attentionMs ?? 0;
  const attentionMs = attentionFactor * expectedMs;
  const computeMs = factor * (ttftMs - expectedMs) + attentionMs;
  const head = { kind: 'head', layer: 4, startMs: 0, endMs: 1 } as const;
  const none = { waitMs: 0, sentBytes: 0, receivedBytes: 0 };
  return { rank: 0, slice: [0, 512], totalMs: computeMs, computeMs, attentionMs, ...none, events: [head] };
}

test('the scale follows a machine that slows down and comes back, and has bounds', () => {
  const options = { layers: 4, contextTokens: 512 };
  const repeat = (factor: number, times: number) => Array.from({ length: times }, () => timeline(factor));
  const slowed = refreshCost(TRUE_COST, repeat(2, 30), options);
  expect(slowed.scale).toBeCloseTo(2, 2);
  expect(refreshCost(slowed, repeat(1, 30), options).scale).toBeCloseTo(1, 2);
  // One that was disturbed hardly matters, however much.
  expect(refreshCost(TRUE_COST, repeat(1.2, 1), options).scale).toBeCloseTo(1.05, 6);
  expect(refreshCost(TRUE_COST, repeat(20, 1), options).scale).toBeCloseTo(1.1, 6);
  expect(refreshCost(TRUE_COST, repeat(1e6, 50), options).scale).toBeCloseTo(SCALE_BOUNDS.most, 3);
  expect(refreshCost(TRUE_COST, repeat(1e6, 50), options).scale).toBeLessThanOrEqual(SCALE_BOUNDS.most);
  expect(refreshCost(TRUE_COST, [{ ...timeline(1), computeMs: 0 }], options).scale).toBe(1);
});

test('attention follows apart from the rest', () => {
  const options = { layers: 4, contextTokens: 512 };
  const timelines = Array.from({ length: 30 }, () => timeline(0.8, 1.5));
  const { scale, attentionScale } = refreshCost(TRUE_COST, timelines, options);
  expect(scale).toBeCloseTo(0.8, 2);
  expect(attentionScale).toBeCloseTo(1.5, 2);
});

test('a stored cost survives JSON, and one that is broken or for another key is refused', () => {
  const stored: unknown = JSON.parse(JSON.stringify(storedCost('k', TRUE_COST)));
  expect(parseStoredCost(stored, 'k')).toEqual(TRUE_COST);
  expect(() => parseStoredCost(stored, 'other')).toThrowError(/for "k", not for "other"/);
  const broken = storedCost('k', { ...TRUE_COST, block: [...TRUE_COST.block].reverse() });
  expect(() => parseStoredCost(broken, 'k')).toThrowError(/broken at cost.block/);
  expect(() => parseStoredCost([], 'k')).toThrowError(/broken/);
});
