import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Leaving } from './leaving.js';

const never = (): AbortSignal => new AbortController().signal;

/** Leaves, and says whether it has. */
function leave(leaving: Leaving<string>, engines: string[], signal = never()) {
  const told: string[] = [];
  let hasLeft = false;
  const left = leaving
    .leave(engines, (engine) => told.push(engine), signal)
    .then(() => void (hasLeft = true));
  return { told, left, hasLeft: () => hasLeft };
}

test('it is over when all engines have let it go and nothing is under way', async () => {
  let requests = 1;
  const leaving = new Leaving<string>(() => requests === 0);
  const { told, left, hasLeft } = leave(leaving, ['a', 'b']);
  expect(told).toEqual(['a', 'b']);
  leaving.release('a');
  requests = 0;
  await turn();
  expect(hasLeft()).toBe(false);
  leaving.release('b');
  await left;
});

test('what was begun before an engine let it go is finished', async () => {
  let requests = 1;
  const leaving = new Leaving<string>(() => requests === 0);
  const { left, hasLeft } = leave(leaving, ['a']);
  leaving.release('a');
  await turn();
  expect(hasLeft()).toBe(false);
  requests = 0;
  await left;
});

test('it does not wait for longer than it may', async () => {
  const limit = new AbortController();
  const { left } = leave(new Leaving<string>(() => false), ['a'], limit.signal);
  limit.abort();
  await left;
});
