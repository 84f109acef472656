import { expect, test } from 'vitest';
import { evenPartition } from '../core/partition.js';
import type { Partition } from '../core/partition.js';
import { median, quantile } from '../core/statistics.js';
import { exactPartition, predictTtftMs } from '../plan/index.js';
import { seededRandom } from '../plan/costs/random-costs.test-support.js';
import type { ClusterProfile, DeviceProfile, Policy } from './cluster.js';
import { CPU_CORE, OUR_POLICY, PAPER_POLICY } from './cluster.js';
import { planCosts } from './partitions.js';
import { PAPER_A100 } from './paper-profile.js';
import { FALCON_7B, LLAMA_7B } from '../core/published-shapes.js';
import { setupOf, simulate, ttftMsByEvents } from './simulate.js';
import { SIMULATED_STRATEGIES } from './strategies.js';

const SMALL = {
  ...LLAMA_7B,
  layers: 4,
  hidden: 256,
  heads: 4,
  kvHeads: 2,
  headDim: 64,
  feedForward: 512,
  vocabulary: 1000,
};
const FREE = { bytesPerS: Infinity, latencyMs: 0 };

/** Attention and nothing else: products take no time. */
const ATTENTION_ONLY: DeviceProfile = {
  ...CPU_CORE,
  matmulFlopsPerS: Infinity,
  memoryBytesPerS: Infinity,
  layerOverheadMs: 0,
};

/** So many layers that filling the chain and the last layer do not count. */
const DEEP = { ...SMALL, layers: 1000 };
const BOUND_TOKENS = 65_536;

function anyPolicy(random: () => number): Policy {
  return {
    diagonal: random() < 0.5 ? 'full' : 'half',
    relay: random() < 0.6 ? 'cut-through' : 'store-and-forward',
    prunesLastLayer: random() < 0.5,
    chunkTokens: random() < 0.5 ? Infinity : 8 + Math.floor(30 * random()),
    frameBytes: random() < 0.5 ? 4096 : 1 << 20,
  };
}

function anyCluster(random: () => number): ClusterProfile {
  const link = { bytesPerS: 10 ** (6 + 4 * random()), latencyMs: random() };
  const noise = { share: 0.3, slowdown: 3, seed: Math.floor(1000 * random()) };
  return { device: CPU_CORE, link, ...(random() < 0.5 ? { noise } : {}) };
}

test('the recurrences end exactly when the event engine does, for every strategy, policy and noise', () => {
  const random = seededRandom(31);
  for (let round = 0; round < 50; round += 1) {
    const ranks = 1 + Math.floor(6 * random());
    const contextTokens = 2 * ranks * (1 + Math.floor(30 * random()));
    const common = {
      shape: SMALL,
      cluster: anyCluster(random),
      contextTokens,
      ranks,
      policy: anyPolicy(random),
    };
    for (const strategy of SIMULATED_STRATEGIES) {
      const request = { ...common, strategy, partition: 'e' } as const;
      const recurrence = simulate(request).ttftMs;
      expect(Math.abs(ttftMsByEvents(request) / recurrence - 1), strategy).toBeLessThan(1e-9);
    }
  }
});

test('plan’s layer-by-layer prediction stays close to the frame-by-frame simulation', () => {
  const random = seededRandom(32);
  const errors: number[] = [];
  const policy = { ...OUR_POLICY, chunkTokens: 64, frameBytes: 65_536 };
  const shape = { ...SMALL, layers: 16 };
  for (let round = 0; round < 60; round += 1) {
    const ranks = 2 + Math.floor(6 * random());
    const cluster = {
      device: CPU_CORE,
      link: { bytesPerS: 10 ** (7 + 3.5 * random()), latencyMs: random() },
    };
    const request = { strategy: 'kvr', shape, cluster, contextTokens: 2048, ranks, policy } as const;
    const setup = setupOf({ ...request, partition: 'e' });
    for (const partition of [setup.partition, exactPartition(planCosts(setup), ranks, 'quick').partition]) {
      const predictedMs = predictTtftMs(planCosts(setup), partition);
      errors.push(Math.abs(predictedMs / simulate({ ...request, partition }).ttftMs - 1));
    }
  }
  expect(median(errors)).toBeLessThan(0.005);
  expect(quantile(errors, 0.9)).toBeLessThan(0.02);
  // Even slices on links as slow as the compute: frames of later layers overtake, which the prediction leaves out.
  expect(quantile(errors, 1)).toBeLessThan(0.15);
});

/** Attention alone on free links: times of a baseline and of KVR with a partition. */
function attentionGain(
  diagonal: 'full' | 'half',
  strategy: 'tsp' | 'tsp-dense',
  ranks: number,
  partition: Partition,
) {
  const policy = { ...OUR_POLICY, diagonal };
  const cluster = { device: ATTENTION_ONLY, link: FREE };
  const common = { shape: DEEP, cluster, contextTokens: BOUND_TOKENS, ranks, policy };
  const chain = simulate({ ...common, strategy: 'kvr', partition });
  const meanMs = chain.ranks.reduce((sum, rank) => sum + rank.computeMs, 0) / ranks;
  const baselineMs = simulate({ ...common, strategy }).ttftMs;
  return { gain: baselineMs / chain.ttftMs, meanGain: baselineMs / meanMs };
}

test.each([
  ['tsp-dense', () => 2],
  ['tsp', (p: number) => 2 - 1 / p],
] as const)('attention alone, masked half skipped: KVR over %s reaches its bound', (strategy, bound) => {
  for (const ranks of [2, 4, 8, 32]) {
    expect(
      attentionGain('half', strategy, ranks, balancedPartition('half', ranks)).gain / bound(ranks),
    ).toBeCloseTo(1, 2);
  }
});

test('attention alone, diagonal in full: work adds up to the bound 2p/(p+1), and balanced partitions come close from below', () => {
  for (const ranks of [2, 4, 8, 32]) {
    const bound = (2 * ranks) / (ranks + 1);
    // The bound shares the even partition's work equally, which no partition into p slices does exactly.
    expect(
      attentionGain('full', 'tsp-dense', ranks, evenPartition(BOUND_TOKENS, ranks)).meanGain / bound,
    ).toBeCloseTo(1, 2);
    const { gain } = attentionGain('full', 'tsp-dense', ranks, balancedPartition('full', ranks));
    expect(gain).toBeLessThan(bound);
    expect(gain / bound).toBeGreaterThan(0.95);
  }
  // Two slices: x² = 1 − x, the golden section.
  const golden = 1 / (2 * ((Math.sqrt(5) - 1) / 2) ** 2);
  expect(attentionGain('full', 'tsp-dense', 2, balancedPartition('full', 2)).gain).toBeCloseTo(golden, 2);
});

/** Equal work for every rank by bisection: S·(P+S) or S·P + S²/2. */
function balancedPartition(diagonal: 'full' | 'half', ranks: number): Partition {
  const tokens = BOUND_TOKENS;
  const own = diagonal === 'full' ? 1 : 0.5;
  let [low, high] = [0, tokens * tokens];
  let ends: number[] = [];
  for (let halving = 0; halving < 60; halving += 1) {
    const work = (low + high) / 2;
    let prefix = 0;
    // own·S² + P·S = work
    ends = Array.from(
      { length: ranks },
      () => (prefix += (Math.sqrt(prefix * prefix + 4 * own * work) - prefix) / (2 * own)),
    );
    if (prefix < tokens) low = work;
    else high = work;
  }
  const whole = ends.map((end, rank) => (rank === ranks - 1 ? tokens : Math.round(end)));
  return whole.map((end, rank) => ({ start: whole[rank - 1] ?? 0, end }));
}

test('KVR moves half of what TSP moves when slices are even', () => {
  for (const ranks of [2, 4, 8]) {
    const common = {
      shape: SMALL,
      cluster: { device: CPU_CORE, link: FREE },
      contextTokens: 1024 * ranks,
      ranks,
    };
    const chain = simulate({ ...common, strategy: 'kvr', partition: 'e' }).trafficBytes;
    const gather = simulate({ ...common, strategy: 'tsp' }).trafficBytes;
    const entryBytes = 4 * 2 * SMALL.kvHeads * SMALL.headDim * SMALL.layers;
    expect(gather).toBe((ranks - 1) * common.contextTokens * entryBytes);
    expect(chain * 2).toBe(gather);
  }
});

test('one rank takes the same time under every chain and gather strategy', () => {
  const common = { shape: SMALL, cluster: { device: CPU_CORE, link: FREE }, contextTokens: 512, ranks: 1 };
  const single = simulate({ ...common, strategy: 'single' }).ttftMs;
  expect(simulate({ ...common, strategy: 'kvr' }).ttftMs).toBeCloseTo(single, 9);
  expect(simulate({ ...common, strategy: 'tsp' }).ttftMs).toBeCloseTo(single, 9);
});

test('exact ≤ KVR-S ≤ KVR-E in simulated time, and KVR-P within 1.3 % of KVR-S', () => {
  const common = { strategy: 'kvr', shape: FALCON_7B, ranks: 4, policy: PAPER_POLICY } as const;
  const cluster = { device: PAPER_A100, link: { bytesPerS: 300e9, latencyMs: 0.02 } };
  for (const contextTokens of [3000, 8192]) {
    const time = (partition: 'e' | 's' | 'p' | 'exact') =>
      simulate({ ...common, cluster, contextTokens, partition }).ttftMs;
    const searched = time('s');
    expect(searched).toBeLessThanOrEqual(time('e'));
    expect(time('exact')).toBeLessThanOrEqual(searched);
    expect(time('p') / searched).toBeLessThan(1.013);
  }
});

test('relays that forward while receiving are never slower than relays that wait for the whole prefix', () => {
  const random = seededRandom(33);
  for (let round = 0; round < 40; round += 1) {
    const ranks = 3 + Math.floor(5 * random());
    const cluster = anyCluster(random);
    const common = {
      strategy: 'kvr',
      shape: SMALL,
      cluster,
      contextTokens: 256 * ranks,
      ranks,
      partition: 'e',
    } as const;
    const time = (relay: Policy['relay']) =>
      simulate({ ...common, policy: { ...OUR_POLICY, relay, frameBytes: 65_536 } }).ttftMs;
    expect(time('cut-through')).toBeLessThanOrEqual(time('store-and-forward') * 1.0001);
  }
});

test('zigzag balances what a plain ring does not', () => {
  const common = {
    shape: SMALL,
    cluster: { device: ATTENTION_ONLY, link: FREE },
    contextTokens: 8192,
    ranks: 8,
  };
  const ratio =
    simulate({ ...common, strategy: 'ring' }).ttftMs /
    simulate({ ...common, strategy: 'ring-zigzag' }).ttftMs;
  expect(ratio).toBeGreaterThan(1.8);
  expect(ratio).toBeLessThan(2);
});

test('every strategy is simulated for 1,024 ranks and a million tokens', () => {
  const cluster = { device: PAPER_A100, link: { bytesPerS: 300e9, latencyMs: 0.02 } };
  for (const strategy of SIMULATED_STRATEGIES) {
    const partition = strategy === 'kvr' ? evenPartition(1 << 20, 1024) : 'e';
    const { ttftMs } = simulate({
      strategy,
      // As many ranks and tokens as are taken; layers only repeat.
      shape: { ...LLAMA_7B, layers: 2 },
      cluster,
      contextTokens: 1 << 20,
      ranks: 1024,
      partition,
    });
    expect(ttftMs).toBeGreaterThan(0);
    expect(Number.isFinite(ttftMs)).toBe(true);
  }
});

test.each([
  [{ ranks: 0 }, /0 ranks/],
  [{ ranks: 2000 }, /give 1 to 1024/],
  [{ contextTokens: 1 }, /1 tokens can not be simulated on 2 ranks/],
  [{ contextTokens: 1 << 21 }, /tokens can not be simulated/],
  [{ partition: evenPartition(50, 2) }, /does not fit 2 ranks and 100 tokens/],
])('what can not be simulated is refused: %o', (change, message) => {
  const request = {
    strategy: 'kvr',
    shape: SMALL,
    cluster: { device: CPU_CORE, link: FREE },
    contextTokens: 100,
    ranks: 2,
  } as const;
  expect(() => simulate({ ...request, ...change })).toThrowError(message);
});
