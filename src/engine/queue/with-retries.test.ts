import { expect, test } from 'vitest';
import { resultOf } from '../../../test/support/live-server.js';
import { isRetryable, KvrError } from '../../core/errors.js';
import type { GenerateEvent } from '../output/generation.js';
import type { Admission } from './admission.js';
import { AdmittedRuns } from './admitted-runs.js';
import type { EngineParts } from './engine-parts.js';
import { ReplayedEvents } from './replayed-events.js';
import type { ValidatedRequest } from './validated-request.js';
import { withRetries } from './with-retries.js';

const token = (id: number): GenerateEvent => ({ type: 'token', id, text: String(id) });
const read = (fraction: number): GenerateEvent => ({ type: 'prefill', fraction });
const done = (text: string): GenerateEvent => ({ type: 'done', result: resultOf(text, [1]) });
const lost = new KvrError('WORKER_DIED', 'gone', { rank: 0 });

type Run = readonly (GenerateEvent | KvrError)[];

/** Runs that go as they are given, one after the other. */
function runsOf(runs: readonly Run[], maxRetries: number, signal = new AbortController().signal) {
  const retried: boolean[] = [];
  const run = async function* (isRetry: boolean): AsyncGenerator<GenerateEvent> {
    retried.push(isRetry);
    for (const event of runs[retried.length - 1] ?? []) {
      if (event instanceof KvrError) throw event;
      yield event;
    }
  };
  const heard: GenerateEvent[] = [];
  const listen = async (): Promise<void> => {
    for await (const event of withRetries(run, { signal, startMs: 0 }, maxRetries)) heard.push(event);
  };
  return { listen, heard, retried };
}

test('a run that is lost is followed by another, and listeners hear one answer', async () => {
  const runs = [
    [read(0.5), read(1), token(5), token(6), lost],
    [read(0.5), lost],
    [read(0.5), read(1), token(5), token(6), token(7), done('567')],
  ];
  const { listen, heard, retried } = runsOf(runs, 2);
  await listen();
  expect(heard.slice(0, -1)).toEqual([read(0.5), read(1), token(5), token(6), token(7)]);
  expect(heard.at(-1)).toMatchObject({ type: 'done', result: { text: '567', retries: 2 } });
  expect(retried).toEqual([false, true, true]);
});

test('progress never goes back before the first token either', async () => {
  const { listen, heard } = runsOf(
    [
      [read(0.7), lost],
      [read(0.3), read(0.8), token(1), done('1')],
    ],
    1,
  );
  await listen();
  expect(heard.slice(0, 3)).toEqual([read(0.7), read(0.8), token(1)]);
});

test('who waits in vain for workers after a loss is told of the loss', async () => {
  const { listen } = runsOf([[lost], [new KvrError('WORKER_DIED', '1 of 2 workers can be used')]], 5);
  await expect(listen()).rejects.toBe(lost);
});

test('after the last retry the loss is the error', async () => {
  const { listen, retried } = runsOf([[lost], [token(1), lost]], 1);
  await expect(listen()).rejects.toBe(lost);
  expect(retried).toHaveLength(2);
});

test.each([
  new KvrError('DEADLINE', 'late', { rank: 0 }),
  new KvrError('WORKER_FAILED', 'a defect', { rank: 0 }),
  // It never ran: it waited for workers for as long as it may.
  new KvrError('WORKER_DIED', 'no worker is there'),
])('%s is not tried again', async (error) => {
  const { listen, retried } = runsOf([[error]], 5);
  await expect(listen()).rejects.toBe(error);
  expect(retried).toEqual([false]);
});

test('who has cancelled meanwhile is not run again', async () => {
  const { listen, retried } = runsOf([[lost]], 5, AbortSignal.abort());
  await expect(listen()).rejects.toBe(lost);
  expect([retried, isRetryable(lost.code)]).toEqual([[false], true]);
});

test('a run that gives another token than the one before is an error, not a mixed answer', async () => {
  const { listen, heard } = runsOf([[token(1), lost], [token(2)]], 1);
  await expect(listen()).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(heard).toEqual([token(1)]);
});

test('times are those of the answer as it was heard', () => {
  let nowMs = 100;
  const events = new ReplayedEvents(100, () => nowMs);
  const at = (ms: number, event: GenerateEvent): GenerateEvent | undefined => (
    (nowMs = ms),
    events.next(event)
  );
  nowMs = 150;
  events.handedOver();
  at(400, token(1));
  events.startOver();
  nowMs = 900;
  events.handedOver();
  at(1000, token(1));
  at(1400, token(2));
  const last = at(1400, { type: 'done', result: { ...resultOf('12', [1]), completionTokens: 2 } });
  const result = { retries: 1, queueMs: 50, ttftMs: 250, decodeTokensPerSecond: 1 };
  expect(last).toMatchObject({ type: 'done', result });
});

test('files that were damaged are run from again once, also where retries are off', async () => {
  const damaged = new KvrError('CACHE_DAMAGED', 'a kernel failed', { rank: 0 });
  const { listen, retried } = runsOf([[damaged], [damaged]], 0);
  await expect(listen()).rejects.toBe(damaged);
  expect(retried).toEqual([false, true]);
});

test.each([
  [true, 'WORKER_FAILED'],
  [false, 'CACHE_DAMAGED'],
] as const)('whatever fails on files of which isSound says %s is %s', async (isSound, code) => {
  const failure = new KvrError('WORKER_FAILED', 'a kernel failed');
  let ends = 0;
  const admitted = { workers: [{ files: { isSound: async () => isSound } }], end: () => ends++ };
  const admission = { admit: async () => admitted } as unknown as Admission;
  // What a chain of these workers does is beside the point: it fails.
  const parts = { model: { tokenizer: {} }, get settings() { throw failure; } } as unknown as EngineParts; // prettier-ignore
  const run = new AdmittedRuns(parts, admission).run({} as ValidatedRequest, false, () => undefined);
  await expect(run.next()).rejects.toMatchObject({ code, message: 'a kernel failed' });
  expect(ends).toBe(1);
});
