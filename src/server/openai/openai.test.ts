import { expect, test } from 'vitest';
import { resultOf, spoken, standInEngine } from '../../../test/support/live-server.js';
import { isRetryable, KvrError } from '../../core/errors.js';
import type { GenerateEvent } from '../../engine/output/generation.js';
import { ChoiceRun } from '../answers/choice-run.js';
import { Ledger } from '../requests/ledger.js';
import { RunningRequests } from '../requests/running.js';
import { STREAM_QUIET_MS } from '../requests/settings.js';
import { CHAT } from './chat.js';
import { COMPLETIONS } from './completions.js';
import { errorBody } from './error-body.js';
import { readMessages } from './messages.js';

const engine = standInEngine(async function* (_request, ids) {
  yield* spoken('hi', ids);
});
const HELLO = [{ role: 'user', content: 'hello' }];
const SIGNAL = new AbortController().signal;
const paramOf = async (run: () => unknown): Promise<unknown> => {
  try {
    await run();
    return undefined;
  } catch (error) {
    return (error as KvrError).fields['param'];
  }
};

test('parameters become one request, null counts as absent', async () => {
  const body = {
    messages: HELLO,
    temperature: 0.5,
    stop: 'x',
    n: 2,
    seed: -1,
    stream: true,
    max_tokens: null,
  };
  const chat = await CHAT.parse({ ...body, max_completion_tokens: 7, logprobs: true }, engine, SIGNAL);
  expect(chat).toMatchObject({
    ...{ kind: 'chat', n: 2, seed: -1, stop: ['x'], isStream: true, wantsUsage: false, maxTokens: 7 },
    sampling: { temperature: 0.5, topLogprobs: 0 },
  });
  const completion = await COMPLETIONS.parse({ prompt: [[1, 2], [3]] }, engine, SIGNAL);
  expect(completion).toMatchObject({
    prompts: [Int32Array.of(1, 2), Int32Array.of(3)],
    maxTokens: 16,
    sampling: { temperature: undefined },
  });
});

test.each<[param: string, body: object]>([
  ['ignore_eos', { ignore_eos: true }],
  ['mirostat', { mirostat: 2 }],
  ['top_logprobs', { top_logprobs: 3 }],
  ['stop', { stop: Array(17).fill('x') }],
])('%s is refused by name', async (param, fields) => {
  expect(await paramOf(() => CHAT.parse({ messages: HELLO, ...fields }, engine, SIGNAL))).toBe(param);
});

test.each<[ignored: string[], body: object]>([
  [['frobnicate'], { frobnicate: 1 }],
  [['options', 'keep_alive'], { options: { num_ctx: 4096 }, keep_alive: '5m' }],
  [['messages.0.cache_control'], { messages: [{ role: 'user', content: 'x', cache_control: { type: 'ephemeral' } }] }],
  [['n_predict', 'user', 'think'], { user: { id: 1 }, think: 'x', max_tokens: 4, n_predict: 5 }],
  [['stream_options.other'], { stream: true, stream_options: { other: true, include_usage: true } }],
  [[], { mirostat: 0, ignore_eos: false, typical_p: 1, tfs_z: 1, suffix: '', best_of: 1 }],
])('what says nothing about the answer is told and left alone: %j', async (ignored, fields) => {
  expect(await CHAT.parse({ messages: HELLO, ...fields }, engine, SIGNAL)).toMatchObject({ ignored });
}); // prettier-ignore

test('one limit has many names and spellings', async () => {
  const limitOf = async (fields: object) =>
    (await CHAT.parse({ messages: HELLO, ...fields }, engine, SIGNAL)).maxTokens;
  expect(await limitOf({ n_predict: 4 })).toBe(4);
  expect(await limitOf({ max_tokens: 8, max_completion_tokens: 4 })).toBe(4);
  expect(await limitOf({ max_tokens: -1 })).toBeUndefined();
  const { sampling, stop } = await CHAT.parse(
    { messages: HELLO, repeat_penalty: 1.1, top_k: -1, stop: ['', 'x'], logit_bias: [[50, -1], [51, false]] },
    engine, SIGNAL,
  ); // prettier-ignore
  expect(stop).toEqual(['x']);
  expect(sampling).toMatchObject({ repetitionPenalty: 1.1, topK: 0, logitBias: { 50: -1, 51: -100 } });
});

test('what a template reads has parameters of its own too', async () => {
  const asked: unknown[] = [];
  const listening = {
    ...engine,
    preparation: {
      ...engine.preparation,
      promptIds: async (prompt: { template?: unknown }) => {
        asked.push(prompt.template);
        return Int32Array.of(1);
      },
    },
  } as unknown as typeof engine;
  for (const fields of [{ reasoning_effort: 'low' }, { think: false }, { thinking: { type: 'disabled' } }])
    await CHAT.parse({ messages: HELLO, ...fields }, listening, SIGNAL);
  const off = { args: { enable_thinking: false } };
  expect(asked).toEqual([{ args: { reasoning_effort: 'low' } }, off, off]);
});

test.each([
  ['guided_json', { guided_json: { type: 'object' } }],
  ['json_schema', { json_schema: '{"type": "object"}' }],
  ['structured_outputs', { structured_outputs: { json: { type: 'object' } } }],
  ['guided_choice', { guided_choice: ['yes', 'no'] }],
  ['response_format', { response_format: { type: 'json_object', schema: { type: 'object' } } }],
])('an answer is held to %s, in both endpoints, and only to one thing', async (name, fields) => {
  for (const [dialect, prompt] of [[CHAT, { messages: HELLO }], [COMPLETIONS, { prompt: [1] }]] as const)
    expect((await dialect.parse({ ...prompt, ...fields }, engine, SIGNAL)).grammar).toBeDefined();
  const twice = { ...fields, ...(name === 'guided_json' ? { guided_choice: ['a'] } : { guided_json: {} }) };
  expect(await paramOf(() => CHAT.parse({ messages: HELLO, ...twice }, engine, SIGNAL))).toBeDefined();
}); // prettier-ignore

const call = (id: string, json: string) => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: json } }],
});

test('messages keep their calls, with arguments as objects where they are JSON', () => {
  const result = { role: 'tool', content: [{ type: 'text', text: '42' }], tool_call_id: 'a' };
  expect(readMessages([{ role: 'developer', content: 'x' }, call('a', '{"b": 1}'), call('c', '{"b'), result])).toEqual([
    { role: 'system', content: 'x' },
    { role: 'assistant', content: '', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: { b: 1 } } }] },
    { role: 'assistant', content: '', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"b' } }] },
    { role: 'tool', content: '42', name: 'f', tool_call_id: 'a' },
  ]); // prettier-ignore
});

test.each(['reasoning_content', 'reasoning', 'thinking'])('thinking that comes back as %s reaches the template', (key) => {
  expect(readMessages([{ role: 'assistant', content: 'a', [key]: 'why' }])).toEqual([
    { role: 'assistant', content: 'a', reasoning_content: 'why' },
  ]);
}); // prettier-ignore

test.each<[param: string, message: unknown]>([
  ['messages.1', 5],
  ['messages.1.role', { role: 'robot', content: '' }],
  ['messages.1.content', { role: 'user' }],
  ['messages.1.content.0.type', { role: 'user', content: [{ type: 'image_url' }] }],
  ['messages.1.tool_call_id', { role: 'tool', content: '', tool_call_id: 'never made' }],
  ['messages.1.tool_calls.0.function.arguments', { ...call('a', ''), tool_calls: [{ type: 'function', function: { name: 'f' } }] }],
])('a wrong message is refused with its place: %s', async (param, message) => {
  expect(await paramOf(() => readMessages([...HELLO, message]))).toBe(param);
}); // prettier-ignore

async function runOf(fields: object, served = engine) {
  const server = { engine: served, settings: { defaultMaxTokens: 9, isStrictModel: false }, ledger: new Ledger(() => null), running: new RunningRequests() };
  return new ChoiceRun('chatcmpl-1', await CHAT.parse({ messages: HELLO, ...fields }, served, SIGNAL), server, 1000);
} // prettier-ignore

test('a run that has ended is one document', async () => {
  const run = await runOf({ n: 2 });
  const ended = run.run(new AbortController().signal);
  for await (const event of run.events) void event;
  await ended;
  const choice = { message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop', logprobs: null };
  expect(CHAT.whole(run)).toMatchObject({
    ...{ id: 'chatcmpl-1', object: 'chat.completion', model: 'stand-in' },
    choices: [
      { index: 0, ...choice },
      { index: 1, ...choice },
    ],
    usage: { prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 },
  });
});

test('a stream writes chunks for what events make certain, and an error as its last event', async () => {
  const run = await runOf({ stream: true, stream_options: { include_usage: true } });
  const stream = CHAT.stream(run, false);
  const send = (event: GenerateEvent): string =>
    stream.event({ index: 0, event, parts: run.answers[0]?.take(event) ?? [] });
  const deltas = (text: string): unknown[] =>
    [...text.matchAll(/"delta":(\{[^}]*\})/g)].map(([, json = '']) => JSON.parse(json) as unknown);
  // Some readers choke on comments: they come after a real wait, or where they are asked for.
  expect(stream.progress(0.256, STREAM_QUIET_MS - 1)).toBe('');
  expect(stream.progress(0.256, STREAM_QUIET_MS)).toBe(': prefill 0.26\n\n');
  const waiting = [
    { id: 'other', priority: 0 },
    { id: 'chatcmpl-1', priority: 0 },
  ];
  const telling = CHAT.stream(
    await runOf({ stream: true, return_progress: true }, { ...engine, waiting }),
    false,
  );
  expect(telling.progress(undefined, 0)).toBe(': queued, queue_position 2\n\n');
  expect(telling.progress(0.5, 0)).toBe(': prefill 0.50\n\n');
  expect(CHAT.stream(run, true).progress(0.5, 0)).toBe('event: kvr.prefill\ndata: {"fraction":0.5}\n\n');
  expect(send({ type: 'prefill', fraction: 1 })).toBe('');
  expect(deltas(send({ type: 'token', id: 107, text: 'h' }))).toEqual([
    { role: 'assistant', content: '' },
    { content: 'h' },
  ]);
  expect(send({ type: 'token', id: 255, text: '' })).toBe('');
  expect(send({ type: 'done', result: resultOf('h', [1]) })).toContain('"finish_reason":"stop"');
  expect(stream.end()).toMatch(/"choices":\[\],"usage":\{"prompt_tokens":6.*\}\n\ndata: \[DONE\]\n\n$/);
  expect(stream.error(new KvrError('CLOSED', 'bye'))).toContain('"code":"closed"');
});

test.each([
  ['BAD_INPUT', 'invalid_request_error', 'bad_input'],
  ['PROMPT_TOO_LONG', 'invalid_request_error', 'context_length_exceeded'],
  ['UNAUTHORIZED', 'authentication_error', 'invalid_api_key'],
  ['BUSY', 'rate_limit_error', 'rate_limit_exceeded'],
  ['WORKER_DIED', 'server_error', 'worker_died'],
] as const)('%s has the type and code that clients look for', (code, type, clientCode) => {
  const { error } = errorBody(new KvrError(code, 'x'.repeat(700), { param: 'n' }));
  expect(error).toEqual({
    ...{ message: 'x'.repeat(600), type, param: 'n', code: clientCode },
    retryable: isRetryable(code),
  });
});

test('thinking comes apart from the answer, whole and streamed, and is counted', async () => {
  const said = standInEngine(async function* (_request, ids) {
    yield* spoken('<think>why</think>hi', ids);
  });
  const tokenizer = { ...said.model.tokenizer, toolTemplate: '… </think> …' };
  const thinking = { ...said, model: { ...said.model, tokenizer } } as typeof engine;
  const run = await runOf({}, thinking);
  const stream = CHAT.stream(run, false);
  const ended = run.run(SIGNAL);
  let sent = '';
  for await (const event of run.events) sent += stream.event(event);
  await ended;
  expect(CHAT.whole(run)).toMatchObject({
    choices: [{ message: { content: 'hi', reasoning_content: 'why' } }],
    usage: { completion_tokens_details: { reasoning_tokens: '<think>why</think>'.length } },
  });
  const joined = (key: string): string =>
    [...sent.matchAll(new RegExp(`"${key}":"([^"]*)"`, 'g'))].map(([, text = '']) => text).join('');
  expect([joined('reasoning_content'), joined('content')]).toEqual(['why', 'hi']);
  const completion = await COMPLETIONS.parse({ prompt: [1], think: true }, thinking, SIGNAL);
  expect(completion).toMatchObject({ ignored: ['think'] });
});
