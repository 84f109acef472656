import { once } from 'node:events';
import { expect, test } from 'vitest';
import { KvrError } from '../../core/errors.js';
import { Deadline } from './deadline.js';

const never = new AbortController().signal;
/** Work that ends when it is told to, as everything here does. */
async function untilAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw new KvrError('CANCELLED', 'was told to stop');
}

test('what is left shrinks from the moment the request was made, and not below nothing', () => {
  let nowMs = 1_000;
  const deadline = new Deadline(300, () => nowMs);
  expect(deadline.left).toEqual({ deadline: { limitMs: 300, leftMs: 300 } });
  nowMs += 100;
  expect(deadline.left).toEqual({ deadline: { limitMs: 300, leftMs: 200 } });
  nowMs += 1_000;
  expect(deadline.left).toEqual({ deadline: { limitMs: 300, leftMs: 0 } });
});

test('without a limit nothing is bounded', async () => {
  const deadline = new Deadline(undefined);
  expect(deadline.left).toEqual({});
  await expect(deadline.bound(never, async (signal) => signal === never)).resolves.toBe(true);
});

test('work that outlasts the limit is stopped and ends in DEADLINE', async () => {
  await expect(new Deadline(20).bound(never, untilAborted)).rejects.toMatchObject({
    code: 'DEADLINE',
    fields: { deadlineMs: 20 },
  });
});

test('a cancel stays a cancel, and an error of the work its own', async () => {
  const deadline = new Deadline(600_000);
  await expect(deadline.bound(AbortSignal.abort(), untilAborted)).rejects.toMatchObject({
    code: 'CANCELLED',
  });
  const busy = new KvrError('BUSY', 'full');
  await expect(deadline.bound(never, () => Promise.reject(busy))).rejects.toBe(busy);
});
