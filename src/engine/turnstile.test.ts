import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MAX_WAITING, Turnstile } from './turnstile.js';

const never = new AbortController().signal;

test('lets one in at a time, in order of arrival', async () => {
  const turnstile = new Turnstile();
  const order: string[] = [];
  const visit = async (name: string): Promise<void> => {
    const leave = await turnstile.enter(never);
    order.push(`${name} in`);
    await turn();
    order.push(`${name} out`);
    leave();
  };
  await Promise.all(['a', 'b', 'c'].map(visit));
  expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});

test('one that gives up leaves at once and does not let the next one overtake', async () => {
  const turnstile = new Turnstile();
  const leaveFirst = await turnstile.enter(never);
  const second = new AbortController();
  const waiting = turnstile.enter(second.signal);
  let isThirdIn = false;
  const third = turnstile.enter(never).then((leave) => {
    isThirdIn = true;
    return leave;
  });
  second.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await turn();
  expect(isThirdIn).toBe(false);
  leaveFirst();
  (await third)();
  (await turnstile.enter(never))();
});

test('refuses one that had given up before, and stays usable', async () => {
  const turnstile = new Turnstile();
  await expect(turnstile.enter(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  (await turnstile.enter(never))();
});

test('refuses more than may wait, with BUSY, and takes more when some have gone', async () => {
  const turnstile = new Turnstile();
  const leave = await turnstile.enter(never);
  const impatient = new AbortController();
  const waiting = Array.from({ length: MAX_WAITING }, () => turnstile.enter(impatient.signal));
  const settled = Promise.allSettled(waiting);
  await expect(turnstile.enter(never)).rejects.toMatchObject({ code: 'BUSY' });
  impatient.abort();
  await settled;
  const next = turnstile.enter(never);
  leave();
  (await next)();
});

test('leaves no listener on a signal that outlives the requests', async () => {
  const turnstile = new Turnstile();
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) (await turnstile.enter(signal))();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
