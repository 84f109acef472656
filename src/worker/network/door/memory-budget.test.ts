import { expect, test } from 'vitest';
import { seededRandom } from '../../../../test/reference/random.js';
import type { Link } from '../../../link/link.js';
import { type Holder, MAX_HELD_BYTES, MemoryBudget } from './memory-budget.js';

/** A link that leaves the budget when it is closed, as connections do. */
function holder(engine: string): Holder & { readonly link: Link } {
  const link = {
    isClosed: false,
    close: () => void (link.isClosed = true),
  };
  return { engine, link: link as unknown as Link };
}

test('nobody is closed up to the limit, and what is freed can be held again', () => {
  const budget = new MemoryBudget();
  const one = holder('a');
  for (let round = 0; round < 3; round++) {
    budget.hold(one, MAX_HELD_BYTES);
    budget.free(one.link, MAX_HELD_BYTES);
  }
  expect([budget.heldBytes, one.link.isClosed]).toEqual([0, false]);
});

test('over the limit the engine that takes most loses its fullest link, not who came last', () => {
  const budget = new MemoryBudget();
  const honest = holder('honest');
  const many = Array.from({ length: 64 }, () => holder('stranger'));
  const share = MAX_HELD_BYTES / 64;
  // Each of the stranger's links holds less than the honest one.
  many.slice(1).forEach((each) => budget.hold(each, share / 2));
  budget.hold(many[0] as Holder, share);
  budget.hold(honest, MAX_HELD_BYTES / 4);
  expect([honest, ...many].some(({ link }) => link.isClosed)).toBe(false);
  budget.hold(honest, MAX_HELD_BYTES / 4);
  expect(many.map(({ link }) => link.isClosed)).toEqual([true, ...new Array<boolean>(63).fill(false)]);
  expect(honest.link.isClosed).toBe(false);
});

test('never holds more than the limit, whatever is held, freed and closed', () => {
  const random = seededRandom(3);
  const budget = new MemoryBudget();
  const holders = Array.from({ length: 30 }, (_, at) => holder(`e${at % 7}`));
  for (let step = 0; step < 3000; step++) {
    const one = random.pick(holders);
    const bytes = random.below(MAX_HELD_BYTES / 4);
    if (random.next() < 0.7) budget.hold(one, bytes);
    else budget.leave(one.link);
    expect(budget.heldBytes).toBeLessThanOrEqual(MAX_HELD_BYTES);
    expect(budget.heldBytes).toBeGreaterThanOrEqual(0);
  }
  for (const { link } of holders) budget.leave(link);
  expect(budget.heldBytes).toBe(0);
});

test('what is freed of a link that has left counts for nobody', () => {
  const budget = new MemoryBudget();
  const [gone, other] = [holder('a'), holder('b')];
  budget.hold(gone, 100);
  budget.hold(other, 10);
  budget.leave(gone.link);
  budget.free(gone.link, 100);
  expect(budget.heldBytes).toBe(10);
});
