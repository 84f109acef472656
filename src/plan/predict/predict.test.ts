import { expect, test } from 'vitest';
import { evenPartition, partitionFromSizes } from '../../core/partition.js';
import type { LinkCost, WorkerCost } from '../costs/cost-model.js';
import { FREE_LINK } from '../costs/cost-model.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import { predict, predictTtftMs } from './predict.js';
import { randomCosts, seededRandom } from '../costs/random-costs.test-support.js';

const WORKER: WorkerCost = {
  block: [{ tokens: 1, ms: 10 }],
  firstBlockShare: 0.5,
  attention: { fixedMs: 0, tokenMs: 0, prefixTokenMs: 0, pairMs: 1 },
  callMs: 0,
  embedTokenMs: 0,
  headMs: 7,
  chunkTokens: 100,
  scale: 1,
  attentionScale: 1,
};

function costs(ranks: number, link: LinkCost, layers = 2, contextTokens = 4): ChainCosts {
  const workers = Array.from({ length: ranks }, () => WORKER);
  const links = Array.from({ length: ranks - 1 }, () => link);
  return { contextTokens, cachedTokens: 0, workers, links, layers, kvBytes: 1000 };
}

test('one rank: first block, one layer, and a last layer of one row with the head', () => {
  // first 0.5·40, layer (4·5/2 pairs + 40), tail (4 pairs + half a block of one row + head)
  expect(predictTtftMs(costs(1, FREE_LINK), evenPartition(4, 1))).toBeCloseTo(20 + 10 + 40 + 4 + 5 + 7);
});

test('two ranks on a free link: the second attends to the prefix once it is made, and waits for nothing else', () => {
  const { ttftMs, ranks } = predict(costs(2, FREE_LINK), partitionFromSizes([2, 2], 4));
  // both first blocks end at 10; layer 0 costs 3+20 and 2·2+3+20; tail as above
  expect(ranks.map((rank) => rank.endMs)).toEqual([10 + 23, 10 + 27 + 4 + 5 + 7]);
  expect(ttftMs).toBeCloseTo(53);
  expect(ranks[1]?.waitMs).toBe(0);
});

test('a slow link is waited for: latency plus the bytes of the slice, once, where the rank has nothing else to do', () => {
  // 2 tokens · 1000 bytes at 100 kB/s are 20 ms, latency 3: the prefix of layer 0 is in at 10+20+3
  const { ttftMs, ranks } = predict(
    costs(2, { latencyMs: 3, bytesPerS: 1e5, frameBytes: 1000 }),
    evenPartition(4, 2),
  );
  const layerDone = 33 + 27;
  expect(ranks[1]?.waitMs).toBeCloseTo(23);
  expect(ttftMs).toBeCloseTo(Math.max(layerDone, 33 + 20 + 3) + 16);
  expect(ranks[0]?.sendMs).toBeCloseTo(40);
});

test('a link that takes longer than the compute sets the pace of every layer and is named as the limit', () => {
  const slow = { latencyMs: 0, bytesPerS: 1e3, frameBytes: 100 };
  const { ttftMs, ranks } = predict(costs(2, slow, 5), evenPartition(4, 2));
  expect(ttftMs).toBeCloseTo(10 + 5 * 2000 + 16);
  expect(ranks[1]?.limit).toBe('link');
});

test('relays forward frame by frame: a hop adds a frame and a latency, not the whole prefix', () => {
  const link = { latencyMs: 1, bytesPerS: 1e6, frameBytes: 1000 };
  const partition = partitionFromSizes([97, 1, 1, 1], 100);
  const { ttftMs } = predict(costs(4, link, 1, 100), partition);
  // first block of 97 tokens, 97 ms for the first link, then a frame and a latency for each of the other two hops;
  // the ranks' own tokens were sent long before. Tail: 100 pairs, 5, 7.
  expect(ttftMs).toBeCloseTo(485 + 97 + 1 + 2 * (1 + 1) + 112, 5);
});

test('TSP pays a barrier and an all-gather a layer, and dense TSP all pairs besides', () => {
  const link = { latencyMs: 1, bytesPerS: 1e6, frameBytes: 1000 };
  const even = evenPartition(4, 2);
  // gather: 1 step of latency 1 + 2 ms; twice, for layer 0 and for the pruned last layer
  expect(predictTtftMs(costs(2, link), even, 'tsp')).toBeCloseTo(10 + 3 + 27 + 3 + 16);
  expect(predictTtftMs(costs(2, link), even, 'tsp-dense')).toBeCloseTo(10 + 3 + 28 + 3 + 16);
});

test('cached tokens lengthen the prefix and shorten nothing else', () => {
  const cached = { ...costs(2, FREE_LINK), contextTokens: 104, cachedTokens: 100 };
  expect(predictTtftMs(cached, evenPartition(4, 2))).toBeCloseTo(10 + 2 * 102 + 3 + 20 + 104 + 12);
});

test('chunks publish early: smaller chunks never make free attention and blocks slower over a link', () => {
  const link = { latencyMs: 0, bytesPerS: 1e5, frameBytes: 1000 };
  const whole = costs(2, link, 3, 40);
  const chunked = { ...whole, workers: whole.workers.map((worker) => ({ ...worker, chunkTokens: 5 })) };
  expect(predictTtftMs(chunked, evenPartition(40, 2))).toBeLessThan(
    predictTtftMs(whole, evenPartition(40, 2)),
  );
});

test('one slice costs the same under every strategy', () => {
  const random = seededRandom(1);
  for (let round = 0; round < 50; round += 1) {
    const one = randomCosts(random, { ranks: 1, contextTokens: 100 });
    const kvr = predictTtftMs(one, evenPartition(100, 1));
    expect(predictTtftMs(one, evenPartition(100, 1), 'tsp')).toBeCloseTo(kvr, 6);
  }
});

test('a rank ends after its compute and its waits, and the first token comes when the last one ends', () => {
  const random = seededRandom(2);
  for (let round = 0; round < 200; round += 1) {
    const ranks = 1 + Math.floor(6 * random());
    const some = randomCosts(random, { ranks, contextTokens: 60, chunkTokens: 8 });
    for (const strategy of ['kvr', 'tsp', 'tsp-dense'] as const) {
      const prediction = predict(some, evenPartition(60, ranks), strategy);
      for (const rank of prediction.ranks) expect(rank.endMs).toBeCloseTo(rank.computeMs + rank.waitMs, 6);
      expect(prediction.ranks.at(-1)?.endMs).toBeCloseTo(prediction.ttftMs, 6);
    }
  }
});

test('too few workers for a partition is refused', () => {
  expect(() => predict(costs(1, FREE_LINK), evenPartition(4, 2))).toThrowError(
    /2 slices needs as many workers/,
  );
});
