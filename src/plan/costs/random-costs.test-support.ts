/**
 * Costs for tests: seeded random ones for properties, and one plain worker. Only tests import this.
 */
import type { LinkCost, WorkerCost } from './cost-model.js';
import { FREE_LINK } from './cost-model.js';
import type { ChainCosts } from './chain-costs.js';

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A worker in round figures, about a core with 8-bit weights. */
export const PLAIN_WORKER: WorkerCost = {
  block: [
    { tokens: 1, ms: 20 },
    { tokens: 256, ms: 300 },
  ],
  firstBlockShare: 0.25,
  attention: { fixedMs: 0.2, tokenMs: 0.002, prefixTokenMs: 0.002, pairMs: 0.0001 },
  callMs: 0.2,
  embedTokenMs: 0.001,
  headMs: 30,
  chunkTokens: 256,
  scale: 1,
  attentionScale: 1,
};

/** A worker whose block costs grow with the tokens and whose attention has every term. */
export function randomWorker(random: () => number, chunkTokens = 1 << 20): WorkerCost {
  const fixed = random() * 2;
  const slope = 0.02 + random();
  return {
    block: [1, 64, 512].map((tokens) => ({ tokens, ms: fixed + slope * tokens })),
    firstBlockShare: 0.1 + 0.3 * random(),
    attention: {
      fixedMs: random(),
      tokenMs: 0.01 * random(),
      prefixTokenMs: 0.001 * random(),
      pairMs: 0.01 * random(),
    },
    callMs: 0.1 * random(),
    embedTokenMs: 0.001 * random(),
    headMs: 5 * random(),
    chunkTokens,
    scale: 1,
    attentionScale: 1,
  };
}

/** Free, fast or slow, as the dice fall. */
export function randomLink(random: () => number): LinkCost {
  const kind = random();
  if (kind < 0.3) return FREE_LINK;
  return { latencyMs: 2 * random(), bytesPerS: 10 ** (6 + 4 * random()), frameBytes: 65_536 };
}

export type RandomCostOptions = {
  readonly ranks: number;
  readonly contextTokens: number;
  readonly equal?: boolean;
  readonly freeLinks?: boolean;
  readonly chunkTokens?: number;
};

export function randomCosts(random: () => number, options: RandomCostOptions): ChainCosts {
  const { ranks, contextTokens, chunkTokens } = options;
  const one = randomWorker(random, chunkTokens);
  const link = randomLink(random);
  const pairs = Array.from({ length: ranks });
  const oneLink = () =>
    options.freeLinks === true ? FREE_LINK : options.equal === true ? link : randomLink(random);
  return {
    contextTokens,
    cachedTokens: 0,
    workers: pairs.map(() => (options.equal === true ? one : randomWorker(random, chunkTokens))),
    links: pairs.slice(1).map(oneLink),
    layers: 1 + Math.floor(8 * random()),
    kvBytes: 256 * (1 + Math.floor(16 * random())),
  };
}
