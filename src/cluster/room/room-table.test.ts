import { expect, test } from 'vitest';
import { MAX_CARDS, MAX_DIALS, RoomTable } from './room-table.js';
import { LEASE_MS, type WorkerCard } from './worker-card.js';

const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

function card(number: number, state: WorkerCard['state'] = 'working'): WorkerCard {
  const model = { name: 'm', digest: 'd1', dtype: 'f32', chunkTokens: 512 } as const;
  return { process: uuid(number), name: `w${number}`, state, address: 'a:1', threads: 1, model };
}

/** A table with a clock of its own, which stands until it is moved. */
function tableAt(nowMs = 0) {
  const time = { nowMs };
  const table = new RoomTable(() => time.nowMs);
  const due = (): string[] => table.takeDue().map(({ name }) => name);
  return { table, time, due };
}

test('who says that he is there is dialled once, and again a while after his link has ended', () => {
  const { table, time, due } = tableAt();
  table.hear(card(1));
  expect(due()).toEqual(['w1']);
  table.linked(uuid(1));
  table.hear(card(1));
  expect(due()).toEqual([]);
  table.failed(uuid(1));
  expect(due()).toEqual([]);
  time.nowMs += 100;
  expect(due()).toEqual(['w1']);
});

test('one that can not be reached is dialled ever more seldom, but at least every five seconds', () => {
  const { table, time, due } = tableAt();
  const dialledMs: number[] = [];
  for (; time.nowMs < 30_000; time.nowMs += 100) {
    table.hear(card(1));
    if (due().length === 0) continue;
    dialledMs.push(time.nowMs);
    table.failed(uuid(1));
  }
  const waits = dialledMs.slice(1).map((atMs, at) => atMs - (dialledMs[at] ?? 0));
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000]);
});

test('a lease that has run out means not to dial, and a link that stands is not missed for it', () => {
  const { table, time, due } = tableAt();
  table.hear(card(1));
  table.hear(card(2));
  expect(due()).toEqual(['w1', 'w2']);
  table.linked(uuid(1));
  table.failed(uuid(2), 0);
  time.nowMs = LEASE_MS + 1;
  expect(due()).toEqual([]);
  table.forgetSilent();
  expect(table.cards.map(({ name }) => name)).toEqual(['w1']);
});

test('while nobody could be heard no lease runs out', () => {
  const { table, time, due } = tableAt();
  table.hear(card(1));
  time.nowMs = 10 * LEASE_MS;
  table.renew();
  table.forgetSilent();
  expect(due()).toEqual(['w1']);
});

test('who leaves is not dialled any more, whether a card or the link says it', () => {
  const { table, time, due } = tableAt();
  for (const number of [1, 2]) table.hear(card(number));
  due();
  for (const number of [1, 2]) table.linked(uuid(number));
  table.hear(card(1, 'leaving'));
  table.left(uuid(2));
  for (const number of [1, 2]) table.failed(uuid(number));
  time.nowMs += 1_000;
  expect(due()).toEqual([]);
});

test('a flood of cards neither grows the table nor is dialled all at once, and newcomers come before those that failed', () => {
  const { table, due } = tableAt();
  for (let number = 0; number < 10 * MAX_CARDS; number++) table.hear(card(number));
  expect(table.cards).toHaveLength(MAX_CARDS);
  expect(due()).toHaveLength(MAX_DIALS);
  expect(due()).toEqual([]);
  // One that failed gives its place to one who was not heard before.
  table.failed(uuid(0), 0);
  table.hear(card(100_000));
  expect(table.cards.map(({ name }) => name)).toContain('w100000');
  expect(table.cards.map(({ name }) => name)).not.toContain('w0');
});

test('what was told of a worker is told again only when it is something else', () => {
  const { table } = tableAt();
  table.hear(card(1));
  expect(['a', 'a', 'b'].map((words) => table.isNews(uuid(1), words))).toEqual([true, false, true]);
});
