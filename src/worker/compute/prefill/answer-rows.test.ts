import { expect, test } from 'vitest';
import { jobOf } from '../compute-parts.test-support.js';
import { type FakeCache, FakeModel } from '../fake-model.test-support.js';
import type { ActiveRequest } from '../requests/active-request.js';
import { openRequest } from '../requests/held-requests.js';
import { noExchange } from './exchange.js';
import type { PrefillContext } from './prompt-run.js';
import { runPrompt } from './rank-loop.js';

/** Runs a prompt of 4 tokens and an answer so far on its only rank. @returns its calls from the answer on, and what it ends with */
async function answered(
  answer: readonly number[],
  rowsAtOnce = 100,
): Promise<{ model: FakeModel; request: ActiveRequest; calls: string[]; pauses: number; next: number }> {
  const model = new FakeModel();
  const job = jobOf({ partition: [4], answer: Int32Array.from(answer), spec: { maxTokens: 200 } });
  const request = await openRequest(job, model);
  const bench: PrefillContext = {
    ...{ model, clock: () => 0, chunkTokens: 100, rowsAtOnce: () => rowsAtOnce },
    ...{ reportProgress: () => undefined, reportScores: () => undefined, noteCall: () => undefined },
  };
  const run = runPrompt(bench, request, noExchange);
  for (let pauses = 0; ; pauses++) {
    const { value, done } = await run.next();
    if (!done) continue;
    const calls = model.calls.slice(model.calls.findIndex((call, at) => at > 0 && call.startsWith('embed')));
    return { model, request, calls, pauses, next: value.logits?.indexOf(1) ?? -1 };
  }
}

test('rows of an answer attend one by one, as in decode steps, and go through the blocks together', async () => {
  const { model, request, calls, next } = await answered([7, 8, 9]);
  expect(calls).toEqual([
    'embed 7 8 9 at [4,7)',
    'block 0 of [4,7)',
    'each 0 of [4,7)',
    'block 1 of [4,7)',
    'each 1 of [4,7)',
    'block 2 of [4,7)',
    'row over 7 2 of [6,7)',
    'logits of [6,7)',
  ]);
  // The token after the last of them.
  expect(next).toBe(6);
  for (let layer = 0; layer < 3; layer++)
    expect((request.cache as FakeCache).written(layer)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect([...model.live]).toEqual([request.cache]);
});

test('a long answer takes as many rows a call as others leave it, and pauses between calls', async () => {
  const few = await answered([1, 2, 3, 4, 5], 2);
  expect(few.calls.filter((call) => call.startsWith('embed'))).toEqual([
    'embed 1 2 at [4,6)',
    'embed 3 4 at [6,8)',
    'embed 5 at [8,9)',
  ]);
  expect(few.calls.filter((call) => /^(row|logits)/.test(call))).toEqual([
    'row over 9 2 of [8,9)',
    'logits of [8,9)',
  ]);
  const many = await answered(Array.from({ length: 100 }, () => 1));
  expect(many.calls.filter((call) => call.startsWith('block 0'))).toEqual([
    'block 0 of [4,68)',
    'block 0 of [68,104)',
  ]);
  expect(few.pauses).toBeGreaterThan(many.pauses);
});

test('an answer that is given up gives back its rows', async () => {
  const model = new FakeModel();
  const request = await openRequest(jobOf({ answer: Int32Array.of(1, 2), spec: { maxTokens: 9 } }), model);
  const bench: PrefillContext = {
    ...{ model, clock: () => 0, chunkTokens: 100, rowsAtOnce: () => 100 },
    ...{ reportProgress: () => undefined, reportScores: () => undefined, noteCall: () => undefined },
  };
  const run = runPrompt(bench, request, noExchange);
  while (!model.calls.includes('each 0 of [4,6)')) await run.next();
  await run.return({});
  expect([...model.live]).toEqual([request.cache]);
});
