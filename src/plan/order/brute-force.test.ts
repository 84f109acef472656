/**
 * The plan's order and cut against all orders of all sets of workers and all cuts on a coarse grid, each of the best then refined:
 * written without anything of the search, which shares only the prediction with it.
 */
import { expect, test } from 'vitest';
import { partitionFromSizes } from '../../core/partition.js';
import { chooseChain } from '../chain-choice.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import { randomLink, randomWorker, seededRandom } from '../costs/random-costs.test-support.js';
import { costsOf } from '../costs/sub-chain.js';
import { predictTtftMs } from '../predict/predict.js';

type Cut = { readonly chain: readonly number[]; readonly sizes: readonly number[]; readonly ms: number };

function* ordersOf(left: readonly number[], made: readonly number[] = []): Generator<readonly number[]> {
  if (made.length > 0) yield made;
  for (const one of left)
    yield* ordersOf(
      left.filter((other) => other !== one),
      [...made, one],
    );
}

/** All ways to share out units, at least one each. */
function* sharesOf(units: number, parts: number): Generator<readonly number[]> {
  if (parts === 1) {
    yield [units];
    return;
  }
  for (let first = 1; first <= units - parts + 1; first++)
    for (const rest of sharesOf(units - first, parts - 1)) yield [first, ...rest];
}

function cutMs(costs: ChainCosts, chain: readonly number[], sizes: readonly number[]): Cut {
  const ms = predictTtftMs(costsOf(costs, chain), partitionFromSizes([...sizes], costs.contextTokens));
  return { chain, sizes, ms };
}

/** Moves tokens from any slice to any other as long as that helps, by ever fewer. */
function refined(costs: ChainCosts, from: Cut, firstStep: number): Cut {
  let best = from;
  for (let step = firstStep; step >= 1;) {
    const { sizes } = best;
    const moves = sizes.flatMap((_, to) =>
      sizes.flatMap((size, giver) =>
        giver === to || size <= step
          ? []
          : [sizes.map((each, at) => each + (at === to ? step : at === giver ? -step : 0))],
      ),
    );
    const next = moves
      .map((moved) => cutMs(costs, best.chain, moved))
      .reduce((least, each) => (each.ms < least.ms ? each : least), best);
    if (next.ms < best.ms) best = next;
    else step = Math.floor(step / 2);
  }
  return best;
}

/** Of so many orders the best coarse cut is refined. */
const REFINED = 12;

function bruteForceMs(costs: ChainCosts, units: number): number {
  const unit = costs.contextTokens / units;
  const coarse = [...ordersOf(costs.workers.map((_, index) => index))].map((chain) =>
    [...sharesOf(units, chain.length)]
      .map((shares) =>
        cutMs(
          costs,
          chain,
          shares.map((share) => share * unit),
        ),
      )
      .reduce((least, each) => (each.ms < least.ms ? each : least)),
  );
  const likely = coarse.sort((a, b) => a.ms - b.ms).slice(0, REFINED);
  return Math.min(...likely.map((cut) => refined(costs, cut, Math.floor(unit / 2)).ms));
}

function unequalCosts(seed: number, count: number, units: number): ChainCosts {
  const random = seededRandom(seed);
  const one = randomWorker(random, 256);
  const speed = (): number => 0.5 + 2 * random();
  const isOneKind = random() < 0.5;
  const workers = Array.from({ length: count }, () =>
    isOneKind ? { ...one, scale: speed(), attentionScale: speed() } : randomWorker(random, 256),
  );
  return {
    contextTokens: units * (32 + Math.floor(200 * random())),
    cachedTokens: 0,
    workers,
    links: workers.slice(1).map(() => randomLink(random)),
    layers: 8 + Math.floor(5 * random()),
    kvBytes: 256 * (1 + Math.floor(16 * random())),
  };
}

/** Fewer units and seeds where there are more orders: 1,956 of six workers. */
test.each([
  { count: 2, units: 16, seeds: 12 },
  { count: 3, units: 12, seeds: 10 },
  { count: 4, units: 9, seeds: 6 },
  { count: 5, units: 8, seeds: 2 },
  { count: 6, units: 7, seeds: 1 },
])(
  '$count unequal workers: no order and cut is predicted 1 % faster than the plan',
  ({ count, units, seeds }) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const costs = unequalCosts(100 * count + seed, count, units);
      const found = chooseChain(costs, 'quick').ttftMs;
      expect(found / bruteForceMs(costs, units), `seed ${seed}`).toBeLessThan(1.01);
    }
  },
);

test('the coarse grid with refinement comes as near as the plan does, so that it can tell a bad one', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const costs = unequalCosts(900 + seed, 3, 12);
    const found = chooseChain(costs, 'quick').ttftMs;
    expect(bruteForceMs(costs, 12) / found, `seed ${seed}`).toBeLessThan(1.01);
  }
});
