import { expect, test } from 'vitest';
import type { ServedEngine } from '../requests/settings.js';
import { type Script, spoken, standInEngine } from '../../../test/support/live-server.js';
import { KvrError } from '../../core/errors.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import { Ledger } from '../requests/ledger.js';
import { RunningRequests } from '../requests/running.js';
import { ChoiceRun, temperatureOf } from './choice-run.js';
import { MAX_CHOICES_AT_ONCE } from '../requests/settings.js';
import type { ParsedRequest } from './parsed-request.js';

const PARSED: ParsedRequest = {
  ...{
    kind: 'chat',
    model: undefined,
    prompts: [Int32Array.of(5, 6, 7)],
    n: 1,
    seed: 9,
    maxTokens: undefined,
  },
  ...{ stop: [], sampling: { temperature: 0 }, isStream: false, wantsUsage: false },
};

function runOf(script: Script, fields: Partial<ParsedRequest> = {}) {
  const server = {
    engine: standInEngine(script),
    settings: { defaultMaxTokens: 64, isStrictModel: true },
    ledger: new Ledger(() => null),
    running: new RunningRequests(),
  };
  return { server, run: new ChoiceRun('id', { ...PARSED, ...fields }, server, 1000) };
}

/** Runs to the end. @returns the types of its events by answer, or the code of the error */
async function eventsOf(run: ChoiceRun, client = new AbortController().signal): Promise<unknown> {
  const ended = run.run(client);
  const types: string[] = [];
  try {
    for await (const { index, event } of run.events) types.push(`${index} ${event.type}`);
    return types;
  } catch (error) {
    return (error as KvrError).code;
  } finally {
    await ended;
  }
}

/** Runs until it is cancelled. */
const endless: Script = async function* ({ signal }) {
  yield { type: 'prefill', fraction: 0.5 };
  if (!signal?.aborted) await new Promise((resolve) => signal?.addEventListener('abort', resolve));
  throw new KvrError('CANCELLED', 'cancelled');
};

test('every answer has its own request, and seeds are one apart for each prompt', async () => {
  const asked: GenerateRequest[] = [];
  const { run } = runOf(
    async function* (request, ids) {
      asked.push(request);
      yield* spoken('ab', ids);
    },
    { prompts: [Int32Array.of(1), Int32Array.of(2, 3)], n: 2 },
  );
  await eventsOf(run);
  expect(asked.map(({ promptIds, sampling }) => [[...(promptIds ?? [])], sampling?.seed])).toEqual([
    [[1], 9],
    [[1], 10],
    [[2, 3], 9],
    [[2, 3], 10],
  ]);
  expect(asked[0]).toMatchObject({ maxTokens: 64, deadlineMs: 1000 });
  expect(run.promptTokens).toBe(3);
  expect(run.answers.map(({ text, fraction }) => [text, fraction])).toEqual(Array(4).fill(['ab', 1]));
});

test('the default of new tokens shrinks to the room that the context has', async () => {
  const asked: (number | undefined)[] = [];
  for (const tokens of [990, 1500]) {
    const script: Script = async function* (request, ids) {
      asked.push(request.maxTokens);
      yield* spoken('', ids);
    };
    await eventsOf(runOf(script, { prompts: [new Int32Array(tokens).fill(1)] }).run);
  }
  expect(asked).toEqual([10, 1]);
});

test.each([
  [10, 10],
  [11, 10],
  [100_000, 10],
])('of %d new tokens asked for with room for 10 there are %d', async (maxTokens, given) => {
  const asked: (number | undefined)[] = [];
  const script: Script = async function* (request, ids) {
    asked.push(request.maxTokens);
    yield* spoken('', ids);
  };
  await eventsOf(runOf(script, { maxTokens, prompts: [new Int32Array(990).fill(1)] }).run);
  expect(asked).toEqual([given]);
});

test('who asks for more than there is room for gets the default', async () => {
  const asked: (number | undefined)[] = [];
  const script: Script = async function* (request, ids) {
    asked.push(request.maxTokens);
    yield* spoken('', ids);
  };
  for (const maxTokens of [500, 5000]) await eventsOf(runOf(script, { maxTokens }).run);
  expect(asked).toEqual([500, 64]);
});

test('of many answers some are with the engine at once, and all are given', async () => {
  let [now, most] = [0, 0];
  const { run } = runOf(
    async function* (_request, ids) {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      yield* spoken('a', ids);
      now--;
    },
    { n: MAX_CHOICES_AT_ONCE + 5 },
  );
  await eventsOf(run);
  expect(most).toBe(MAX_CHOICES_AT_ONCE);
  expect(run.answers.map(({ text }) => text)).toEqual(Array(MAX_CHOICES_AT_ONCE + 5).fill('a'));
});

test('another model and too many answers are refused before anything runs', () => {
  expect(() => runOf(endless, { model: 'other' })).toThrow('there is no model "other" here');
  expect(() => runOf(endless, { n: 129 })).toThrow('make 129 answers, above the limit of 128');
});

test('the first answer that fails ends the others, and the run with its error', async () => {
  let begun = 0;
  const { run, server } = runOf(
    async function* (request, ids) {
      if (++begun === 1) yield* endless(request, ids);
      throw new KvrError('WORKER_DIED', 'rank 1 is gone');
    },
    { n: 2 },
  );
  expect(await eventsOf(run)).toBe('WORKER_DIED');
  expect(server.running.count).toBe(0);
  expect(server.ledger.records.map(({ id, status }) => [id, status])).toContainEqual(['id-1', 'failed']);
});

test('a run that is cancelled ends, and says why', async () => {
  const { run, server } = runOf(endless);
  server.ledger.listen(({ type }) => type === 'progress' && run.cancel());
  expect(await eventsOf(run)).toBe('CANCELLED');
  expect(run.failure?.code).toBe('CANCELLED');
  expect(server.ledger.records).toMatchObject([{ status: 'cancelled' }]);
});

test('a client that leaves cancels its run; a server that closes fails it', async () => {
  const left = runOf(endless);
  const client = new AbortController();
  left.server.ledger.listen(({ type }) => type === 'progress' && client.abort());
  expect(await eventsOf(left.run, client.signal)).toBe('CANCELLED');
  expect(left.server.ledger.records).toMatchObject([{ status: 'cancelled' }]);

  const closed = runOf(endless);
  closed.server.ledger.listen(({ type }) => {
    if (type !== 'progress') return;
    closed.server.running.close();
    closed.server.running.abortAll();
  });
  expect(await eventsOf(closed.run)).toBe('CLOSED');
  expect(closed.server.ledger.records).toMatchObject([{ status: 'failed' }]);
});

test("an answer is as random as the request says, or else the checkpoint, or else OpenAI's API", () => {
  const engineOf = (samplingDefaults?: object) =>
    ({ model: { samplingDefaults } }) as unknown as ServedEngine;
  const of = (temperature: number | undefined, defaults?: object) =>
    temperatureOf({ sampling: { temperature } }, engineOf(defaults)).temperature;
  expect([
    of(0, { temperature: 0.6 }),
    of(undefined, { temperature: 0.6 }),
    of(undefined, { topK: 2 }),
    of(undefined),
  ]).toEqual([0, 0.6, 1, 1]);
});
