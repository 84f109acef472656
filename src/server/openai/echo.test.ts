import { expect, test } from 'vitest';
import { eventsOf, resultOf, spoken, standInEngine } from '../../../test/support/live-server.js';
import type { TokenLogprobs } from '../../core/sampling.js';
import type { GenerateRequest } from '../../engine/options/request.js';
import { ChoiceRun } from '../answers/choice-run.js';
import { Ledger } from '../requests/ledger.js';
import { RunningRequests } from '../requests/running.js';
import { COMPLETIONS, PLAIN_COMPLETIONS } from './completions.js';
import { behindPrompt, echoOf } from './echo.js';

const SIGNAL = new AbortController().signal;
/** Of bytes, which are tokens from 3 on; 1 is a special one. */
const idOf = (char: string): number => 3 + char.charCodeAt(0);
const logprobs = (logprob: number, likely: string): TokenLogprobs => ({
  logprob,
  top: [{ id: idOf(likely), logprob: -0.5 }],
});

const asked: GenerateRequest[] = [];
const engine = standInEngine(async function* (request, ids) {
  asked.push(request);
  await Promise.resolve();
  if (request.promptLogprobs !== undefined)
    yield { type: 'promptLogprobs', logprobs: ids.map((_, at) => (at === 0 ? null : logprobs(-at, 'x'))) };
  const isTold = request.sampling?.topLogprobs !== undefined;
  if (request.maxTokens === 0) {
    yield { type: 'done', result: { ...resultOf('', ids), finishReason: 'length' } };
    return;
  }
  for (const event of spoken('yz', ids))
    yield event.type === 'token' && isTold ? { ...event, logprobs: logprobs(-9, 'y') } : event;
});

type Choice = { readonly text: string; readonly logprobs: unknown; readonly finish_reason: string | null };

async function answerTo(fields: object): Promise<{ choice: Choice; chunks: Choice[] }> {
  const parsed = await COMPLETIONS.parse({ max_tokens: 2, ...fields }, engine, SIGNAL);
  const server = {
    engine,
    settings: { defaultMaxTokens: 9, isStrictModel: false },
    ledger: new Ledger(() => null),
    running: new RunningRequests(),
  };
  const run = new ChoiceRun('1', parsed, server, 1000);
  const format = COMPLETIONS.stream(run, false);
  void run.run(SIGNAL);
  let stream = '';
  for await (const event of run.events) stream += format.event(event);
  const whole = COMPLETIONS.whole(run) as { choices: Choice[] };
  const chunks = eventsOf(stream).data.map((one) => (one as { choices: Choice[] }).choices[0] as Choice);
  return { choice: whole.choices[0] as Choice, chunks };
}

test('what the model thinks of a text is told token by token, special ones by name and without text', async () => {
  const { choice, chunks } = await answerTo({
    prompt: [1, idOf('a'), idOf('b')],
    echo: true,
    logprobs: 1,
    max_tokens: 0,
  });
  expect(choice).toMatchObject({ text: 'ab', finish_reason: 'length' });
  expect(choice.logprobs).toEqual({
    tokens: [expect.any(String), 'a', 'b'],
    token_logprobs: [null, -1, -2],
    top_logprobs: [null, { x: -0.5 }, { x: -0.5 }],
    text_offset: [0, 0, 1],
  });
  expect(chunks.map(({ text }) => text).join('')).toBe('ab');
  expect(chunks[0]?.logprobs).toEqual(choice.logprobs);
  expect(asked.at(-1)).toMatchObject({ promptLogprobs: 1, maxTokens: 0 });
});

test('an answer stands behind its prompt, and so do its tokens', async () => {
  const { choice, chunks } = await answerTo({ prompt: [idOf('a'), idOf('b')], echo: true, logprobs: 0 });
  expect(choice).toMatchObject({
    text: 'abyz',
    logprobs: { tokens: ['a', 'b', 'y', 'z'], token_logprobs: [null, -1, -9, -9], text_offset: [0, 1, 2, 3] },
  });
  expect(chunks.map(({ text }) => text)).toEqual(['ab', 'y', 'z', '']);
  const offsets = chunks.flatMap(
    ({ logprobs: one }) => (one as { text_offset: number[] } | null)?.text_offset ?? [],
  );
  expect(offsets).toEqual([0, 1, 2, 3]);
});

test('without log-probabilities the prompt is text alone, and nothing is computed for it', async () => {
  const { choice, chunks } = await answerTo({ prompt: 'ab', echo: true });
  expect(choice).toMatchObject({ text: 'abyz', logprobs: null });
  expect(chunks.map(({ text }) => text)).toEqual(['ab', 'y', 'z', '']);
  expect(asked.at(-1)).not.toHaveProperty('promptLogprobs');
});

test('a prompt that would tell more than can be written in one go is refused', async () => {
  const long = { prompt: Array(900).fill(5), echo: true, logprobs: 20, n: 100 };
  await expect(COMPLETIONS.parse(long, engine, SIGNAL)).rejects.toMatchObject({ fields: { param: 'echo' } });
});

test.each(['echo', 'suffix'])('%s is refused by name where a dialect has no place for it', async (param) => {
  const body = { prompt: 'ab', ...(param === 'echo' ? { echo: true } : { suffix: 'x' }) };
  await expect(PLAIN_COMPLETIONS.parse(body, engine, SIGNAL)).rejects.toMatchObject({ fields: { param } });
});

test.each([
  ['suffix', { prompt: 'ab', suffix: 'x' }],
  ['suffix', { prompt: [5], suffix: 'x' }],
  ['echo', { prompt: 'ab', suffix: 'x', echo: true }],
])('%s is refused where it can not be done: %j', async (param, body) => {
  await expect(COMPLETIONS.parse(body, engine, SIGNAL)).rejects.toMatchObject({ fields: { param } });
});

test('a token of the answer does not cost another walk over the log-probabilities of the prompt', async () => {
  let walks = 0;
  const all = [null, logprobs(-1, 'x')];
  const told = new Proxy(all, {
    get: (target, name): unknown => {
      if (name === 'map') walks++;
      return Reflect.get(target, name);
    },
  });
  const parsed = await COMPLETIONS.parse(
    { prompt: [idOf('a'), idOf('b')], echo: true, logprobs: 1 },
    engine,
    SIGNAL,
  );
  const run = { parsed, engine, answers: [{ promptLogprobs: told }] };
  const entries = [{ token: 'y', bytes: [], logprob: -9, top: [], offset: 0 }];
  expect(echoOf(run as never, 0)?.tokens).toHaveLength(2);
  expect(walks).toBe(1);
  expect(behindPrompt(run, 0, entries)).toMatchObject([{ offset: 2 }]);
  expect(walks).toBe(1);
});
