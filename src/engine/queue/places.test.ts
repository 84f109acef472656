import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Places, SHORT_NEW_TOKENS, SHORT_PROMPT_TOKENS } from './places.js';
import { PriorityGate } from './priority-gate.js';

const never = new AbortController().signal;
const SHORT = { promptTokens: 10, maxTokens: SHORT_NEW_TOKENS };
const LONG = { promptTokens: 10, maxTokens: SHORT_NEW_TOKENS + 1 };

/** @returns how many of them have got past */
async function past(places: Places, asking: typeof SHORT, count: number): Promise<{ ends: (() => void)[] }> {
  const ends: (() => void)[] = [];
  for (let index = 0; index < count; index++) void places.wait(asking, never).then((end) => ends.push(end));
  await turn();
  return { ends };
}

test('long requests get a part of the places, and short ones are let past', async () => {
  const places = new Places(16, 100);
  const long = await past(places, LONG, 16);
  expect([long.ends.length, places.waiting]).toEqual([12, 4]);
  expect((await past(places, SHORT, 8)).ends).toHaveLength(8);
  long.ends[0]?.();
  long.ends[0]?.();
  await turn();
  expect([long.ends.length, places.waiting]).toEqual([13, 3]);
});

test('a long prompt makes a request long; of few places none are kept', async () => {
  const places = new Places(4, 100);
  const asking = { promptTokens: SHORT_PROMPT_TOKENS + 1, maxTokens: 1 };
  expect((await past(places, asking, 4)).ends).toHaveLength(3);
  expect((await past(new Places(2, 100), LONG, 2)).ends).toHaveLength(2);
});

test('of those who wait, clients with fewer requests under way go first, in order of arrival among equals', async () => {
  const places = new Places(4, 100);
  const gate = new PriorityGate(100, 1, (client) => places.underWay(client));
  places.take('greedy');
  const leave = await gate.enter(never);
  const order: string[] = [];
  const visit = async (name: string, client: string, priority?: number): Promise<void> => {
    const next = await gate.enter(never, { client, ...(priority !== undefined && { priority }) });
    order.push(name);
    places.take(client);
    next();
  };
  const all = [visit('g1', 'greedy'), visit('g2', 'greedy'), visit('h1', 'honest'), visit('h2', 'honest'), visit('p', 'greedy', -1)];
  leave();
  await Promise.all(all);
  expect(order).toEqual(['p', 'h1', 'h2', 'g1', 'g2']);
}); // prettier-ignore
