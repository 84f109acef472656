import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { KvCapacity } from './kv-capacity.js';

const never = new AbortController().signal;

test('lets in as many as may run, and the next when one has ended', async () => {
  const room = new KvCapacity([100], 2);
  const first = await room.reserve(new Map([[0, 1]]), never);
  await room.reserve(new Map([[0, 1]]), never);
  const third = room.reserve(new Map([[0, 1]]), never);
  await turn();
  expect(room.running).toBe(2);
  first.end();
  await third;
  expect(room.running).toBe(2);
});

test('what a worker has no room for waits until a rank lets go of its part', async () => {
  const room = new KvCapacity([100, 50], 8);
  const first = await room.reserve(
    new Map([
      [0, 60],
      [1, 50],
    ]),
    never,
  );
  let isIn = false;
  const second = room.reserve(new Map([[0, 60]]), never).then(() => (isIn = true));
  await turn();
  expect(isIn).toBe(false);
  first.release(0);
  await second;
  first.end();
  first.end();
  expect(room.running).toBe(1);
});

test('what would fit no worker goes alone, to be refused there', async () => {
  const room = new KvCapacity([10], 8);
  const lease = await room.reserve(new Map([[0, 11]]), never);
  const next = room.reserve(new Map([[0, 1]]), never);
  await turn();
  expect(room.running).toBe(1);
  lease.end();
  await next;
});

test('one that gives up leaves no listener and takes no room', async () => {
  const room = new KvCapacity([10], 1);
  const lease = await room.reserve(new Map([[0, 5]]), never);
  const impatient = new AbortController();
  const waiting = room.reserve(new Map([[0, 5]]), impatient.signal);
  impatient.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(getEventListeners(impatient.signal, 'abort')).toEqual([]);
  lease.end();
  expect(room.running).toBe(0);
});

test('knows who had the chain alone', async () => {
  const room = new KvCapacity([10], 2);
  const first = await room.reserve(new Map(), never);
  expect(first.wasAlone).toBe(true);
  const second = await room.reserve(new Map(), never);
  expect([first.wasAlone, second.wasAlone]).toEqual([false, false]);
  first.end();
  second.end();
  expect((await room.reserve(new Map(), never)).wasAlone).toBe(true);
});

test('expects those who wait to leave as fast as those before them', async () => {
  let nowMs = 0;
  const room = new KvCapacity([10], 2, () => nowMs);
  expect(room.expectedWaitMs(3)).toBe(0);
  const first = await room.reserve(new Map(), never);
  nowMs = 1_000;
  first.end();
  await room.reserve(new Map(), never);
  await room.reserve(new Map(), never);
  expect(room.expectedWaitMs(3)).toBe(2_000);
});
