import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { KvCapacity } from './kv-capacity.js';

/** Bytes by worker: w0, w1 and so on. */
const limits = (...bytes: number[]): Map<string, number> =>
  new Map(bytes.map((each, index) => [`w${index}`, each]));
const never = new AbortController().signal;

test('lets in as many as may run, and the next when one has ended', async () => {
  const capacity = new KvCapacity(limits(100), 2);
  const first = await capacity.reserve(new Map([['w0', 1]]), never);
  await capacity.reserve(new Map([['w0', 1]]), never);
  const third = capacity.reserve(new Map([['w0', 1]]), never);
  await turn();
  expect(capacity.running).toBe(2);
  first.end();
  await third;
  expect(capacity.running).toBe(2);
});

test('what a worker has no capacity for waits until a rank lets go of its part', async () => {
  const capacity = new KvCapacity(limits(100, 50), 8);
  const first = await capacity.reserve(
    new Map([
      ['w0', 60],
      ['w1', 50],
    ]),
    never,
  );
  let isIn = false;
  const second = capacity.reserve(new Map([['w0', 60]]), never).then(() => (isIn = true));
  await turn();
  expect(isIn).toBe(false);
  first.release('w0');
  await second;
  first.end();
  first.end();
  expect(capacity.running).toBe(1);
});

test('what would fit no worker goes alone, to be refused there', async () => {
  const capacity = new KvCapacity(limits(10), 8);
  const lease = await capacity.reserve(new Map([['w0', 11]]), never);
  const next = capacity.reserve(new Map([['w0', 1]]), never);
  await turn();
  expect(capacity.running).toBe(1);
  lease.end();
  await next;
});

test('one that gives up leaves no listener and takes no capacity', async () => {
  const capacity = new KvCapacity(limits(10), 1);
  const lease = await capacity.reserve(new Map([['w0', 5]]), never);
  const impatient = new AbortController();
  const waiting = capacity.reserve(new Map([['w0', 5]]), impatient.signal);
  impatient.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(getEventListeners(impatient.signal, 'abort')).toEqual([]);
  lease.end();
  expect(capacity.running).toBe(0);
});

test('knows how many others a request had beside it, at most', async () => {
  const capacity = new KvCapacity(limits(10), 3);
  const first = await capacity.reserve(new Map(), never);
  expect(first.mostBeside).toBe(0);
  const second = await capacity.reserve(new Map(), never);
  expect([first.mostBeside, second.mostBeside]).toEqual([1, 1]);
  second.end();
  const third = await capacity.reserve(new Map(), never);
  expect([first.mostBeside, third.mostBeside]).toEqual([1, 1]);
  first.end();
  third.end();
  expect((await capacity.reserve(new Map(), never)).mostBeside).toBe(0);
});

test('expects those who wait to leave as fast as those before them', async () => {
  let nowMs = 0;
  const capacity = new KvCapacity(limits(10), 2, () => nowMs);
  expect(capacity.expectedWaitMs(3)).toBe(0);
  const first = await capacity.reserve(new Map(), never);
  nowMs = 1_000;
  first.end();
  await capacity.reserve(new Map(), never);
  await capacity.reserve(new Map(), never);
  expect(capacity.expectedWaitMs(3)).toBe(2_000);
});

test('what workers were handed stays held when the caller is gone, until each has said that it is over', async () => {
  const capacity = new KvCapacity(limits(100, 50), 8);
  const needs = new Map([
    ['w0', 60],
    ['w1', 50],
  ]);
  const first = await capacity.reserve(needs, never);
  first.begin();
  first.end();
  let isIn = false;
  const second = capacity.reserve(needs, never).then(() => (isIn = true));
  first.release('w0');
  first.release('w0');
  await turn();
  expect([isIn, capacity.running, capacity.busyWorkers]).toEqual([false, 1, ['w1']]);
  first.release('w1');
  await second;
  expect([capacity.running, ...capacity.heldBytes.values()]).toEqual([1, 60, 50]);
});

test('a request that no worker was handed goes back when its caller does', async () => {
  const capacity = new KvCapacity(limits(10), 1);
  const lease = await capacity.reserve(new Map([['w0', 5]]), never);
  lease.end();
  expect([capacity.running, ...capacity.heldBytes.values()]).toEqual([0, 0]);
});

test('rows are passed on until all ranks but the last are over', async () => {
  const capacity = new KvCapacity(new Map(), 4);
  const needs = new Map([
    ['b', 1],
    ['a', 1],
  ]);
  const lease = await capacity.reserve(needs, new AbortController().signal);
  lease.begin();
  expect(capacity.passesRows).toBe(true);
  lease.release('b');
  expect(capacity.passesRows).toBe(false);
  lease.release('a');
  expect(capacity.passesRows).toBe(false);
});
