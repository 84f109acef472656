import { expect, test } from 'vitest';
import { resultOf, spoken, standInEngine } from '../../../test/support/live-server.js';
import { isRetryable, KvrError } from '../../core/errors.js';
import type { GenerateEvent } from '../../engine/output/generation.js';
import { ChoiceRun } from '../answers/choice-run.js';
import { Ledger } from '../requests/ledger.js';
import { RunningRequests } from '../requests/running.js';
import { CHAT } from './chat.js';
import { COMPLETIONS } from './completions.js';
import { errorBody } from './error-body.js';
import { readMessages } from './messages.js';

const engine = standInEngine(async function* (_request, ids) {
  yield* spoken('hi', ids);
});
const HELLO = [{ role: 'user', content: 'hello' }];
const paramOf = (run: () => unknown): unknown => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as KvrError).fields['param'];
  }
};

test('parameters become one request, null counts as absent', () => {
  const body = {
    messages: HELLO,
    temperature: 0.5,
    stop: 'x',
    n: 2,
    seed: -1,
    stream: true,
    max_tokens: null,
  };
  expect(CHAT.parse({ ...body, max_completion_tokens: 7, logprobs: true }, engine)).toMatchObject({
    ...{ kind: 'chat', n: 2, seed: -1, stop: ['x'], isStream: true, wantsUsage: false, maxTokens: 7 },
    sampling: { temperature: 0.5, topLogprobs: 0 },
  });
  const completion = COMPLETIONS.parse({ prompt: [[1, 2], [3]] }, engine);
  expect(completion).toMatchObject({ prompts: [[1, 2], [3]], maxTokens: 16, sampling: { temperature: 1 } });
});

test.each<[param: string, body: object]>([
  ['frobnicate', { frobnicate: 1 }],
  ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }],
  ['stream_options', { stream_options: {} }],
  ['top_logprobs', { top_logprobs: 3 }],
  ['stop', { stop: Array(17).fill('x') }],
])('%s is refused by name', (param, fields) => {
  expect(paramOf(() => CHAT.parse({ messages: HELLO, ...fields }, engine))).toBe(param);
});

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
    { role: 'tool', content: '42', tool_call_id: 'a' },
  ]); // prettier-ignore
});

test.each<[param: string, message: unknown]>([
  ['messages.1', 5],
  ['messages.1.role', { role: 'robot', content: '' }],
  ['messages.1.content', { role: 'user' }],
  ['messages.1.content.0.type', { role: 'user', content: [{ type: 'image_url' }] }],
  ['messages.1.tool_call_id', { role: 'tool', content: '', tool_call_id: 'never made' }],
  ['messages.1.tool_calls.0.function.arguments', { ...call('a', ''), tool_calls: [{ type: 'function', function: { name: 'f' } }] }],
])('a wrong message is refused with its place: %s', (param, message) => {
  expect(paramOf(() => readMessages([...HELLO, message]))).toBe(param);
}); // prettier-ignore

function runOf(fields: object) {
  const server = { engine, settings: { defaultMaxTokens: 9 }, ledger: new Ledger(() => null), running: new RunningRequests() };
  return new ChoiceRun('chatcmpl-1', CHAT.parse({ messages: HELLO, ...fields }, engine), server, 1000);
} // prettier-ignore

test('a run that has ended is one document', async () => {
  const run = runOf({ n: 2 });
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

test('a stream writes chunks for what events make certain, and an error as its last event', () => {
  const run = runOf({ stream: true, stream_options: { include_usage: true } });
  const stream = CHAT.stream(run, false);
  const send = (event: GenerateEvent): string =>
    stream.event({ index: 0, event, parts: run.answers[0]?.take(event) ?? [] });
  const deltas = (text: string): unknown[] =>
    [...text.matchAll(/"delta":(\{[^}]*\})/g)].map(([, json = '']) => JSON.parse(json) as unknown);
  expect(stream.progress(undefined)).toBe(': queued\n\n');
  expect(stream.progress(0.256)).toBe(': prefill 0.26\n\n');
  expect(CHAT.stream(run, true).progress(0.5)).toBe('event: kvr.prefill\ndata: {"fraction":0.5}\n\n');
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
