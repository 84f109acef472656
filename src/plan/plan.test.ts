import { expect, test } from 'vitest';
import { plainLayer } from '../core/layers/layer-spec.js';
import type { ModelShape } from '../core/shape.js';
import type { LinkCost, WorkerCost } from './costs/cost-model.js';
import { FREE_LINK } from './costs/cost-model.js';
import { refreshCost } from './costs/calibration.js';
import { planPartition } from './plan.js';
import { PLAIN_WORKER, randomLink, randomWorker, seededRandom } from './costs/random-costs.test-support.js';

const SHAPE: ModelShape = {
  architecture: 'llama',
  layers: 8,
  hidden: 2048,
  heads: 32,
  kvHeads: 4,
  headDim: 64,
  feedForward: 5632,
  vocabulary: 32_000,
  contextTokens: 16_384,
  norm: 'rms',
  normEpsilon: 1e-5,
  specs: [plainLayer(64, 1e4)],
  embeddingScale: 1,
  logitScale: 1,
  tiedHead: false,
};

const LAN: LinkCost = { latencyMs: 0.1, bytesPerS: 1.25e9, frameBytes: 262_144 };

function repeated<T>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value);
}

test('two equal workers share a long prompt and the plan says what each is limited by', () => {
  const plan = planPartition({
    contextTokens: 4096,
    workers: repeated(PLAIN_WORKER, 2),
    links: [LAN],
    shape: SHAPE,
  });
  expect(plan.ranks.map((rank) => rank.worker)).toEqual([0, 1]);
  expect(plan.dropped).toEqual([]);
  expect(plan.singleTtftMs / plan.predictedTtftMs).toBeGreaterThan(1.7);
  expect(plan.ranks[0]?.limit).toBe('compute');
  expect(plan.predictedTtftMs).toBe(plan.ranks.at(-1)?.endMs);
});

test('over a link that is too slow the plan uses one worker and says why', () => {
  const slow = { latencyMs: 50, bytesPerS: 5e3, frameBytes: 65_536 };
  const plan = planPartition({
    contextTokens: 1024,
    workers: repeated(PLAIN_WORKER, 2),
    links: [slow],
    shape: SHAPE,
  });
  expect(plan.ranks).toHaveLength(1);
  expect(plan.predictedTtftMs).toBe(plan.singleTtftMs);
  expect(plan.dropped).toMatchObject([{ worker: 1 }]);
  expect(plan.dropped[0]?.reason).toMatch(/would take .* ms with 2 workers/);
});

test('a hopeless worker in the middle is left out, the others are not', () => {
  const workers = [PLAIN_WORKER, { ...PLAIN_WORKER, scale: 500 }, PLAIN_WORKER];
  const plan = planPartition({ contextTokens: 4096, workers, links: [LAN, LAN], shape: SHAPE });
  expect(plan.ranks.map((rank) => rank.worker)).toEqual([0, 2]);
  expect(plan.dropped.map((one) => one.worker)).toEqual([1]);
});

test('a slower worker gets a smaller slice and, where links are alike, does not decode', () => {
  const workers = [PLAIN_WORKER, { ...PLAIN_WORKER, scale: 2, attentionScale: 2 }];
  const plan = planPartition({ contextTokens: 4096, workers, links: [LAN], shape: SHAPE });
  const tokens = new Map(plan.ranks.map((rank) => [rank.worker, rank.slice.end - rank.slice.start]));
  expect(tokens.get(1)).toBeLessThan(tokens.get(0) as number);
  expect(plan.ranks.at(-1)?.worker).toBe(0);
});

test('adding a worker never makes the predicted plan worse, and no plan is worse than one worker', () => {
  const random = seededRandom(21);
  for (let round = 0; round < 20; round += 1) {
    const count = 2 + Math.floor(6 * random());
    const equal = random() < 0.5;
    const one = randomWorker(random, 256);
    const workers = repeated(0, count).map(() => (equal ? one : randomWorker(random, 256)));
    const links = workers.slice(1).map(() => randomLink(random));
    const contextTokens = 1 + Math.floor(3000 * random());
    let before = Infinity;
    for (let used = 1; used <= count; used += 1) {
      const plan = planPartition({ contextTokens, workers: workers.slice(0, used), links, shape: SHAPE });
      expect(plan.predictedTtftMs).toBeLessThanOrEqual(before);
      expect(plan.predictedTtftMs).toBeLessThanOrEqual(plan.singleTtftMs * (1 + 1e-9));
      expect(plan.partition.at(-1)?.end).toBe(contextTokens);
      expect(plan.ranks.length + plan.dropped.length).toBe(used);
      before = plan.predictedTtftMs;
    }
  }
});

test('cached tokens belong to no slice', () => {
  const request = { contextTokens: 4096, workers: repeated(PLAIN_WORKER, 2), links: [LAN], shape: SHAPE };
  const plan = planPartition({ ...request, cachedTokens: 4000 });
  expect(plan.partition.at(-1)?.end).toBe(96);
  expect(plan.predictedTtftMs).toBeLessThan(planPartition(request).predictedTtftMs);
});

test('more workers than tokens leaves workers out', () => {
  const workers = repeated({ ...PLAIN_WORKER, block: [{ tokens: 1, ms: 1000 }] }, 3);
  const plan = planPartition({ contextTokens: 2, workers, links: [FREE_LINK, FREE_LINK], shape: SHAPE });
  expect(plan.ranks).toHaveLength(2);
  expect(plan.dropped[0]?.reason).toBe('there are 2 tokens for 3 workers');
});

test.each([
  [{ contextTokens: 0 }, /context of 0 tokens/],
  [{ contextTokens: 1.5 }, /context of 1.5 tokens/],
  [{ cachedTokens: 100 }, /100 cached tokens of 100/],
  [{ workers: [] }, /0 workers/],
  [{ links: [] }, /2 workers need 1 links/],
])('what can not be planned is refused: %o', (change, message) => {
  const request = { contextTokens: 100, workers: repeated(PLAIN_WORKER, 2), links: [LAN], shape: SHAPE };
  expect(() => planPartition({ ...request, ...change })).toThrowError(message);
});

test('a worker that slows down shows in the timelines of requests, and the next plans give it less', () => {
  const contextTokens = 2048;
  const planFor = (workers: readonly WorkerCost[]) =>
    planPartition({ contextTokens, workers, links: [LAN], shape: SHAPE });
  const sizes = (workers: readonly WorkerCost[]): number[] =>
    planFor(workers)
      .ranks.toSorted((a, b) => a.worker - b.worker)
      .map(({ slice }) => slice.end - slice.start);
  const before = sizes([PLAIN_WORKER, PLAIN_WORKER]);
  let costs = [PLAIN_WORKER, PLAIN_WORKER];
  for (let request = 0; request < 16; request++) {
    const plan = planFor(costs);
    // Worker 1 really takes twice as long as it was measured to.
    costs = costs.map((cost, worker) => {
      const rank = plan.ranks.find((one) => one.worker === worker);
      if (!rank) return cost;
      const slowness = worker === 1 ? 2 : 1;
      const attentionMs = (slowness * rank.attentionMs) / cost.attentionScale;
      const computeMs = (slowness * (rank.computeMs - rank.attentionMs)) / cost.scale + attentionMs;
      const isLast = rank === plan.ranks.at(-1);
      const events = isLast ? [{ kind: 'head', layer: SHAPE.layers, startMs: 0, endMs: 1 } as const] : [];
      const none = { waitMs: 0, sentBytes: 0, receivedBytes: 0 };
      const slice = [rank.slice.start, rank.slice.end] as const;
      const timeline = {
        rank: rank.rank,
        slice,
        totalMs: computeMs,
        computeMs,
        attentionMs,
        ...none,
        events,
      };
      return refreshCost(cost, [timeline], { layers: SHAPE.layers, contextTokens });
    });
  }
  const after = sizes(costs);
  expect(costs[0]?.scale).toBeCloseTo(1, 1);
  expect(costs[1]?.scale).toBeGreaterThan(1.7);
  expect(costs[1]?.attentionScale).toBeGreaterThan(1.7);
  expect(after[1] ?? 0).toBeLessThan(0.75 * (before[1] ?? 0));
});
