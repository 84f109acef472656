import { expect, test } from 'vitest';
import { resultOf } from '../../../test/support/live-server.js';
import { isRetryable, KvrError } from '../../core/errors.js';
import type { GenerateEvent } from '../output/generation.js';
import type { Admission } from './admission.js';
import { AdmittedRuns } from './admitted-runs.js';
import { AnswerSoFar } from './answer-so-far.js';
import type { EngineParts } from './engine-parts.js';
import { MAX_RECOVERIES_PER_REQUEST } from './losses.js';
import type { ValidatedRequest } from './validated-request.js';
import { type Attempt, withRetries } from './with-retries.js';

const token = (id: number): GenerateEvent => ({ type: 'token', id, text: String(id) });
const read = (fraction: number): GenerateEvent => ({ type: 'prefill', fraction });
const done = (text: string): GenerateEvent => ({ type: 'done', result: resultOf(text, [1]) });
const lost = new KvrError('WORKER_DIED', 'gone', { rank: 0 });

type Run = readonly (GenerateEvent | KvrError)[];

/** Runs that go as they are given, one after the other. @param beside other requests that each has beside it */
function runsOf(
  runs: readonly Run[],
  maxRetries: number,
  { signal = new AbortController().signal, beside = 0, maxRefusals = 0 } = {},
) {
  const attempts: { readonly isRetry: boolean; readonly answered: readonly number[] }[] = [];
  const run = async function* ({ isRetry, answered, handedOver }: Attempt): AsyncGenerator<GenerateEvent> {
    attempts.push({ isRetry, answered });
    const events = runs[attempts.length - 1] ?? runs.at(-1) ?? [];
    // Who waits in vain for workers never gets to a chain.
    if (!events.some((event) => event instanceof KvrError && event.fields['rank'] === undefined))
      handedOver({ mostBeside: beside });
    for (const event of events) {
      if (event instanceof KvrError) throw event;
      yield event;
    }
  };
  const heard: GenerateEvent[] = [];
  const listen = async (): Promise<void> => {
    for await (const event of withRetries(run, { signal, startMs: 0 }, maxRetries, maxRefusals))
      heard.push(event);
  };
  return { listen, heard, attempts };
}

const types = (events: readonly GenerateEvent[]): unknown[] =>
  events.map((event) => (event.type === 'token' ? event.id : event.type));

test('a run that is lost is followed by another, which goes on behind the tokens that were said', async () => {
  const runs = [
    [read(0.5), read(1), token(5), token(6), lost],
    [read(0.5), lost],
    [read(0.5), read(1), token(7), done('567')],
  ];
  const { listen, heard, attempts } = runsOf(runs, 2);
  await listen();
  expect(types(heard)).toEqual(['prefill', 'prefill', 5, 6, 7, 'done']);
  expect(heard.at(-1)).toMatchObject({ result: { text: '567', retries: 2, recoveries: 2 } });
  expect(attempts).toEqual([
    { isRetry: false, answered: [] },
    { isRetry: true, answered: [5, 6] },
    { isRetry: true, answered: [5, 6] },
  ]);
});

test('the first token after a loss, and no other, says how long the answer stood still', async () => {
  const { listen, heard } = runsOf(
    [
      [token(5), lost],
      [token(6), token(7), done('567')],
    ],
    1,
  );
  await listen();
  const told = heard.map((event) => event.type === 'token' && event.recoveredMs !== undefined);
  expect(told).toEqual([false, true, false, false]);
});

test('text that was held back comes once, with the last run', async () => {
  const rest: GenerateEvent = { type: 'token', id: 6, text: 'x', isRest: true };
  const { listen, heard, attempts } = runsOf(
    [
      [token(5), token(6), lost],
      [rest, done('56x')],
    ],
    1,
  );
  await listen();
  expect(attempts[1]?.answered).toEqual([5, 6]);
  expect(heard.slice(2)).toMatchObject([rest, { type: 'done', result: { retries: 1 } }]);
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
  expect(heard.slice(0, 2)).toEqual([read(0.7), read(0.8)]);
  expect(types(heard.slice(2))).toEqual([1, 'done']);
});

test('who waits in vain for workers after a loss is told of the loss', async () => {
  const { listen } = runsOf([[lost], [new KvrError('WORKER_DIED', '1 of 2 workers can be used')]], 5);
  await expect(listen()).rejects.toBe(lost);
});

test('without retries a loss is the error, as it is', async () => {
  const { listen, attempts } = runsOf([[token(1), lost]], 0);
  await expect(listen()).rejects.toBe(lost);
  expect(attempts).toHaveLength(1);
});

test('a request that ends every worker it meets comes to an end, and is not asked for again', async () => {
  const { listen, attempts } = runsOf([[read(0.5), lost]], 3);
  const error = await listen().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'LOST_TOO_OFTEN', cause: lost });
  expect(error).toMatchObject({ fields: { rank: 0, runs: 4, lastCode: 'WORKER_DIED' } });
  expect((error as KvrError).message).toBe(
    'the request was run 4 times and lost a worker each time, so it may be what ends them; the last time: gone',
  );
  expect([attempts.length, isRetryable('LOST_TOO_OFTEN'), isRetryable(lost.code)]).toEqual([4, false, true]);
});

test('so does one that gets a token further each time', async () => {
  const { listen, attempts } = runsOf([[token(1), lost]], 3);
  await expect(listen()).rejects.toMatchObject({ code: 'LOST_TOO_OFTEN' });
  expect(attempts).toHaveLength(MAX_RECOVERIES_PER_REQUEST + 1);
});

test('a request that gets further may be lost more often than one that stands still', async () => {
  const further = Array.from({ length: 5 }, (_, id) => [token(id), lost]);
  const { listen, heard } = runsOf([...further, [token(5), done('x')]], 1);
  await listen();
  expect(types(heard)).toEqual([0, 1, 2, 3, 4, 5, 'done']);
});

test('a loss that several requests had together counts in parts, since it is the fault of one at most', async () => {
  const { listen, attempts } = runsOf([[lost]], 2, { beside: 3 });
  await expect(listen()).rejects.toMatchObject({ code: 'LOST_TOO_OFTEN' });
  // More than twice four of them.
  expect(attempts).toHaveLength(9);
});

test.each([
  new KvrError('DEADLINE', 'late', { rank: 0 }),
  new KvrError('WORKER_FAILED', 'a defect', { rank: 0 }),
  // It never ran: it waited for workers for as long as it may.
  new KvrError('WORKER_DIED', 'no worker is there'),
])('%s is not tried again', async (error) => {
  const { listen, attempts } = runsOf([[error]], 5);
  await expect(listen()).rejects.toBe(error);
  expect(attempts).toHaveLength(1);
});

test('who has cancelled meanwhile is not run again', async () => {
  const { listen, attempts } = runsOf([[lost]], 5, { signal: AbortSignal.abort() });
  await expect(listen()).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(attempts).toHaveLength(1);
});

test('times are those of the answer as it was heard', () => {
  let nowMs = 100;
  const answer = new AnswerSoFar(100, () => nowMs);
  const at = (ms: number, event: GenerateEvent): GenerateEvent | undefined => (
    (nowMs = ms),
    answer.next(event)
  );
  nowMs = 150;
  answer.handedOver();
  at(400, token(1));
  nowMs = 600;
  answer.startOver();
  nowMs = 700;
  answer.startOver();
  nowMs = 900;
  answer.handedOver();
  expect(at(1400, token(2))).toMatchObject({ recoveredMs: 800 });
  const last = at(1400, { type: 'done', result: { ...resultOf('12', [1]), completionTokens: 2 } });
  const result = { retries: 2, recoveryMs: 800, queueMs: 50, ttftMs: 250, decodeTokensPerSecond: 1 };
  expect(last).toMatchObject({ type: 'done', result });
});

test('files that were damaged are run from again once, also where retries are off', async () => {
  const damaged = new KvrError('CACHE_DAMAGED', 'a kernel failed', { rank: 0 });
  const { listen, attempts } = runsOf([[damaged], [damaged]], 0);
  await expect(listen()).rejects.toBe(damaged);
  expect(attempts).toHaveLength(2);
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
  const attempt: Attempt = { isRetry: false, answered: [], handedOver: () => undefined };
  const run = new AdmittedRuns(parts, admission).run({} as ValidatedRequest, attempt);
  await expect(run.next()).rejects.toMatchObject({ code, message: 'a kernel failed' });
  expect(ends).toBe(1);
});

test.each(['BAD_INPUT', 'WORKER_DIED'] as const)(
  'after a loss a request is told of it, and not that a worker it asks for is no more (%s)',
  async (code) => {
    const gone = new KvrError(code, 'there is no worker a');
    await expect(runsOf([[token(5), lost], [gone]], 3).listen()).rejects.toBe(lost);
    await expect(runsOf([[gone]], 3).listen()).rejects.toBe(gone);
  },
);

const refused = new KvrError('WORKER_REFUSED', 'no room', { rank: 1 });

test('a worker that other engines have filled is asked again, however small the number of retries, and no token is said twice', async () => {
  const runs = [[refused], [refused], [read(1), token(5), refused], [read(1), token(6), done('56')]];
  const { listen, heard, attempts } = runsOf(runs, 0, { maxRefusals: 9 });
  await listen();
  expect(types(heard)).toEqual(['prefill', 5, 6, 'done']);
  expect(attempts.map(({ answered }) => answered)).toEqual([[], [], [], [5]]);
});

test('who was refused too often hears of it, and so does who shares with nobody', async () => {
  const alone = runsOf([[refused]], 3);
  await expect(alone.listen()).rejects.toBe(refused);
  expect(alone.attempts).toHaveLength(1);
  const twice = runsOf([[refused], [refused], [refused]], 3, { maxRefusals: 2 });
  await expect(twice.listen()).rejects.toBe(refused);
  expect(twice.attempts).toHaveLength(3);
});

test('who leaves while he waits for what was refused is cancelled', async () => {
  const gone = runsOf([[refused]], 3, { maxRefusals: 9, signal: AbortSignal.abort() });
  await expect(gone.listen()).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(gone.attempts).toHaveLength(1);
});
