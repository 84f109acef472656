import { expect, test } from 'vitest';
import { seededRandom } from '../../plan/costs/random-costs.test-support.js';
import { OrderInForce } from './order-in-force.js';

const WORKERS = ['a', 'b', 'c', 'd', 'e'];

test('a chain of an idle engine runs in any order, those beside it keep to that', () => {
  let hasChains = false;
  const order = new OrderInForce(() => hasChains);
  expect(order.among(WORKERS)).toBeUndefined();
  order.follow(['c', 'a', 'd'], WORKERS);
  hasChains = true;
  expect(order.among(WORKERS)).toEqual(['c', 'a', 'd', 'b', 'e']);
  expect(order.among(['a', 'b', 'c'])).toEqual(['c', 'a', 'b']);
  hasChains = false;
  expect(order.among(WORKERS)).toBeUndefined();
});

test('chains of two workers bind nobody, since they pass nothing on', () => {
  const order = new OrderInForce(() => true);
  order.follow(['b', 'a'], WORKERS);
  expect(order.among(WORKERS)).toBeUndefined();
});

test('a worker that is gone keeps its place', () => {
  const order = new OrderInForce(() => true);
  order.follow(['c', 'a', 'b'], WORKERS);
  order.follow(['c', 'b', 'd'], ['b', 'c', 'd']);
  expect(order.among(WORKERS)).toEqual(['c', 'a', 'b', 'd', 'e']);
});

/** Which links wait for which: in a chain each for the next one. */
function hasCircle(chains: readonly (readonly string[])[]): boolean {
  const waits = chains.flatMap((chain) =>
    chain.slice(2).map((to, at) => [`${chain[at]}→${chain[at + 1]}`, `${chain[at + 1]}→${to}`] as const),
  );
  for (let left = waits; ;) {
    const next = left.filter(([, to]) => left.some(([from]) => from === to));
    if (next.length === left.length) return left.length > 0;
    left = next;
  }
}

test('chains that any engine may have under way at once never wait in a circle', () => {
  expect(
    hasCircle([
      ['a', 'b', 'c'],
      ['b', 'c', 'a'],
      ['c', 'a', 'b'],
    ]),
  ).toBe(true);
  const random = seededRandom(3);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(all.length * random())] as T;
  const shuffled = (all: readonly string[]) =>
    all
      .map((one) => ({ one, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ one }) => one);
  let underWay: (readonly string[])[] = [];
  let freely = 0;
  const order = new OrderInForce(() => underWay.length > 0);
  for (let step = 0; step < 2000; step++) {
    if (random() < 0.5) underWay = underWay.filter((chain) => chain !== pick(underWay));
    if (random() < 0.05) underWay = [];
    const usable = WORKERS.filter(() => random() < 0.9);
    const bound = order.among(usable);
    freely += bound ? 0 : 1;
    const some = (bound ?? shuffled(usable)).filter(() => random() < 0.8);
    const chain = bound && random() < 0.5 ? some.toReversed() : some;
    if (chain.length === 0) continue;
    order.follow(chain, usable);
    underWay = [...underWay, chain];
    expect(hasCircle(underWay)).toBe(false);
  }
  expect(freely).toBeGreaterThan(20);
});
