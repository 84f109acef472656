import { expect, test } from 'vitest';
import { chooseChain } from './chain-choice.js';
import { costsOf } from './costs/sub-chain.js';
import type { ChainCosts } from './costs/chain-costs.js';
import type { LinkCost, WorkerCost } from './costs/cost-model.js';
import { PLAIN_WORKER, randomLink, randomWorker, seededRandom } from './costs/random-costs.test-support.js';
import { exactPartition } from './search/exact-partition.js';

const LAN: LinkCost = { latencyMs: 0.1, bytesPerS: 1.25e9, frameBytes: 262_144 };
/** The same kind of link, measured again. */
const LAN_AGAIN: LinkCost = { latencyMs: 0.103, bytesPerS: 1.21e9, frameBytes: 262_144 };

const slower = (times: number): WorkerCost => ({ ...PLAIN_WORKER, scale: times, attentionScale: times });

function costs(workers: readonly WorkerCost[], more: Partial<ChainCosts> = {}): ChainCosts {
  const links = workers.slice(1).map((_, link) => (link % 2 === 0 ? LAN : LAN_AGAIN));
  return { contextTokens: 1024, cachedTokens: 0, layers: 8, kvBytes: 2048, workers, links, ...more };
}

const ttftMs = (given: ChainCosts, chain: readonly number[]): number =>
  exactPartition(costsOf(given, chain), chain.length, 'quick').ttftMs;

test('three unequal workers get the better direction, also where their links differ by measurement noise', () => {
  const given = costs([PLAIN_WORKER, slower(1.5), slower(2.2)]);
  const chosen = chooseChain(given, 'quick');
  // Slowest first: the fastest worker is the last rank, which computes the head and decodes.
  expect(chosen.workers).toEqual([2, 1, 0]);
  expect(chosen.ttftMs).toBeLessThan(ttftMs(given, [0, 1, 2]));
});

test('equal workers run from the slow link to the fast one, since later links carry more rows', () => {
  const slow: LinkCost = { ...LAN, bytesPerS: 2e6 };
  const given = costs([PLAIN_WORKER, PLAIN_WORKER, PLAIN_WORKER], { links: [LAN, slow] });
  const chosen = chooseChain(given, 'quick');
  expect(chosen.workers).toEqual([2, 1, 0]);
  expect(chosen.ttftMs).toBeLessThan(0.95 * ttftMs(given, [0, 1, 2]));
});

test('equal workers on links that differ by noise keep the given order', () => {
  expect(chooseChain(costs([PLAIN_WORKER, PLAIN_WORKER, PLAIN_WORKER]), 'quick').workers).toEqual([0, 1, 2]);
});

test('the worker that holds the kept rows is the first rank, however slow it is', () => {
  const workers = [slower(8), PLAIN_WORKER, slower(1.2)];
  const given = costs(workers, { contextTokens: 4096, cachedTokens: 1024, isCachedAtFirst: true });
  const { workers: chain } = chooseChain(given, 'quick');
  expect(chain[0]).toBe(0);
  expect(chain.length).toBeGreaterThan(1);
});

/** Which links a link's sender may have to wait for: in a chain a link waits for the next one. */
function waitsOf(chains: readonly (readonly number[])[]): Map<string, Set<string>> {
  const waits = new Map<string, Set<string>>();
  for (const chain of chains) {
    for (let rank = 0; rank + 2 < chain.length; rank += 1) {
      const link = `${chain[rank]}→${chain[rank + 1]}`;
      const next = `${chain[rank + 1]}→${chain[rank + 2]}`;
      waits.set(link, (waits.get(link) ?? new Set()).add(next));
    }
  }
  return waits;
}

/** Takes away links that wait for nothing until there are none: what is left waits in a circle. */
function hasCircle(waits: Map<string, Set<string>>): boolean {
  const left = new Map(waits);
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const [link, next] of left) if (![...next].some((one) => left.has(one))) left.delete(link);
  }
  return left.size > 0;
}

test('a circle of waits is found where there is one', () => {
  const round = [
    [0, 1, 2],
    [1, 2, 0],
    [2, 0, 1],
  ];
  expect(hasCircle(waitsOf(round))).toBe(true);
  expect(
    hasCircle(
      waitsOf([
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [0, 2, 3],
        [3, 1, 0],
      ]),
    ),
  ).toBe(false);
});

test('chains planned along the list of the same workers never wait for each other in a circle, whatever the prompts and however costs move', () => {
  const random = seededRandom(51);
  let reversed = 0;
  for (let round = 0; round < 12; round += 1) {
    const count = 3 + Math.floor(3 * random());
    const workers = Array.from({ length: count }, () => randomWorker(random, 256));
    const link = randomLink(random);
    const links = workers.slice(1).map(() => (random() < 0.5 ? link : randomLink(random)));
    const chains = Array.from({ length: 8 }, () => {
      const moved = workers.map((one) => ({
        ...one,
        scale: 0.5 + 2 * random(),
        attentionScale: 0.5 + 2 * random(),
      }));
      const contextTokens = 16 + Math.floor(6000 * random());
      const given = costs(moved, { contextTokens, links });
      return chooseChain(given, 'quick', { orders: 'listed', decodeTokens: 0 }).workers;
    });
    for (const chain of chains) {
      const up = [...chain].sort((a, b) => a - b);
      const isDown = chain.length > 1 && chain[0] !== up[0];
      reversed += isDown ? 1 : 0;
      expect(chain).toEqual(isDown ? up.reverse() : up);
    }
    expect(hasCircle(waitsOf([...chains, ...chains.map((chain) => [...chain].reverse())]))).toBe(false);
  }
  expect(reversed).toBeGreaterThan(5);
});
