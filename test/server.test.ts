/**
 * The server as its clients see it, around a stand-in for the engine: statuses, streams, limits, and how it ends.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { requestListSchema } from '../src/core/documents/request-record.js';
import { serverInfoSchema } from '../src/core/documents/server-info.js';
import { KvrError } from '../src/core/errors.js';
import type { GenerateEvent } from '../src/engine/output/generation.js';
import type { GenerateRequest } from '../src/engine/options/request.js';
import type { ServerSettings } from '../src/server/index.js';
import { PROGRESS_MS } from '../src/server/requests/settings.js';
import { byteTokenizer } from '../src/tokenizer/index.js';
import {
  eventsOf,
  type LiveServer,
  liveServer,
  post,
  type Script,
  spoken,
  standInEngine,
} from './support/live-server.js';
import { HANG_LIMIT_MS, until } from './support/until.js';

const HELLO = [{ role: 'user', content: 'hello' }];
const say = (text: string): Script =>
  async function* (_request, ids) {
    yield* spoken(text, ids);
  };

/** Reads the prompt for as long as its signal allows. */
const endless: Script = async function* ({ signal }) {
  yield { type: 'prefill', fraction: 0.5 };
  if (signal && !signal.aborted) await once(signal, 'abort');
  throw new KvrError('CANCELLED', 'request was cancelled');
};

/** Of the values that the test below sends, those that a parameter takes. */
function isTypeOf(name: string, value: unknown): boolean {
  // What is no text is no name of a user, and says nothing about the answer.
  if (name === 'user') return true;
  if (['stop', 'model'].includes(name)) return typeof value === 'string';
  // Options that are not known are ignored.
  if (name === 'stream_options') return typeof value === 'object' && !Array.isArray(value);
  if (['frequency_penalty', 'presence_penalty'].includes(name)) return value === -1.5;
  return ['stream', 'logprobs', 'parallel_tool_calls'].includes(name) && value === true;
}

let live: LiveServer[] = [];
async function serve(script: Script, settings: Partial<ServerSettings> = {}): Promise<LiveServer> {
  const one = await liveServer(standInEngine(script), settings);
  live.push(one);
  return one;
}
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(live.map(({ server }) => server.close()));
  live = [];
});

type ErrorAnswer = { error: { message: string; type: string; param: string | null; code: string } };
const errorOf = async (response: Response): Promise<ErrorAnswer['error']> =>
  ((await response.json()) as ErrorAnswer).error;

describe('chat completions', () => {
  test('a whole answer has its text, its reason and its usage', async () => {
    const { url } = await serve(say('hi!'));
    const answer = await (await post(`${url}/v1/chat/completions`, { messages: HELLO })).json();
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'stand-in',
      choices: [{ index: 0, message: { role: 'assistant', content: 'hi!' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 6, completion_tokens: 3, total_tokens: 9 },
    });
  });

  test('a stream tells role, pieces, reason, usage if asked for, and its end', async () => {
    const { url } = await serve(say('hey'));
    const body = { messages: HELLO, stream: true, stream_options: { include_usage: true } };
    const { data } = eventsOf(await (await post(`${url}/v1/chat/completions`, body)).text());
    const choices = data.slice(0, -2).map((chunk) => (chunk as { choices: unknown[] }).choices[0]);
    expect(choices).toEqual([
      { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: 'h' }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: 'e' }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: 'y' }, logprobs: null, finish_reason: null },
      { index: 0, delta: {}, logprobs: null, finish_reason: 'stop' },
    ]);
    expect(data.at(-2)).toMatchObject({ choices: [], usage: { completion_tokens: 3 } });
    expect(data.at(-1)).toBe('[DONE]');
  });

  test('parameters reach the engine; n answers have seeds one apart', async () => {
    const asked: GenerateRequest[] = [];
    const { url } = await serve(async function* (request, ids) {
      asked.push(request);
      yield* spoken('x', ids);
    });
    const body = { messages: HELLO, n: 2, seed: 7, temperature: 0.5, top_p: 0.9, top_k: 5, min_p: 0.1 };
    const response = await post(`${url}/v1/chat/completions`, {
      ...body,
      stop: 'end',
      max_completion_tokens: 9,
    });
    expect(((await response.json()) as { choices: unknown[] }).choices).toHaveLength(2);
    const sampling = { temperature: 0.5, topP: 0.9, topK: 5, minP: 0.1 };
    expect(asked).toMatchObject([
      { sampling: { ...sampling, seed: 7 }, stop: ['end'], maxTokens: 9 },
      { sampling: { ...sampling, seed: 8 }, stop: ['end'], maxTokens: 9 },
    ]);
  });

  test.each([
    [-1, 2 ** 32 - 1],
    [2 ** 32 + 5, 5],
    [-(2 ** 40), 0],
    [2 ** 32 - 1, 2 ** 32 - 1],
  ])('any whole seed is taken: %d', async (seed, engineSeed) => {
    const asked: GenerateRequest[] = [];
    const { url } = await serve(async function* (request, ids) {
      asked.push(request);
      yield* spoken('x', ids);
    });
    const response = await post(`${url}/v1/chat/completions`, { messages: HELLO, seed, top_p: 0 });
    expect(response.status).toBe(200);
    expect(asked).toMatchObject([{ sampling: { seed: engineSeed, topP: 0 } }]);
  });

  test.each([
    ['ignore_eos', { ignore_eos: true }, 'unsupported_parameter'],
    [
      'messages.0.content.0.type',
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'unsupported_parameter',
    ],
    ['messages.0.role', { messages: [{ role: 'robot', content: '' }] }, 'bad_input'],
    ['temperature', { temperature: -1 }, 'bad_input'],
    ['n', { n: 129 }, 'bad_input'],
  ])('%s is refused by name', async (param, fields, code) => {
    const { url } = await serve(say(''));
    const response = await post(`${url}/v1/chat/completions`, { messages: HELLO, ...fields });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error', param, code });
  });

  test('a value of another type is refused by name, in every parameter', async () => {
    const { url } = await serve(say('ok'));
    const numbers = 'temperature top_p top_k min_p seed n max_tokens max_completion_tokens top_logprobs';
    const others =
      'frequency_penalty presence_penalty repetition_penalty model user stream logprobs logit_bias';
    const more = 'stop stream_options tools tool_choice parallel_tool_calls response_format messages';
    for (const name of [numbers, others, more].join(' ').split(' '))
      for (const value of [[[]], { a: { b: 1 } }, 'x\u0000', '1', 1.5e300, -1.5, true]) {
        const response = await post(`${url}/v1/chat/completions`, { messages: HELLO, [name]: value });
        const isFitting = isTypeOf(name, value);
        const told =
          response.status === 200 ? 'taken' : ((await errorOf(response)).param ?? '').split('.')[0];
        expect([name, value, told]).toEqual([name, value, isFitting ? 'taken' : name]);
      }
  });

  test('what says nothing about the answer is named in a header, and refused by a strict server', async () => {
    const asked = { messages: HELLO, keep_alive: '5m', session_id: 'ü', metadata: { a: 'b' } };
    const { url } = await serve(say('ok'));
    const response = await post(`${url}/v1/chat/completions`, asked);
    expect(response.headers.get('x-kvr-ignored')).toBe('keep_alive, session_id, metadata');
    const strict = await serve(say('ok'), { isStrict: true });
    const refused = await post(`${strict.url}/v1/chat/completions`, asked);
    expect(await errorOf(refused)).toMatchObject({ param: 'keep_alive', code: 'unsupported_parameter' });
  });

  test('what a schema asks and an answer is not held to is named in a header and in the log', async () => {
    const { url, log } = await serve(say('{}'));
    const schema = { type: 'object', properties: { tags: { type: 'array', uniqueItems: true } } };
    const format = (strict: boolean) => ({ type: 'json_schema', json_schema: { name: 'x', strict, schema } });
    const asked = (strict: boolean) => ({ messages: HELLO, response_format: format(strict) });
    const loose = await post(`${url}/v1/chat/completions`, asked(false));
    expect(loose.headers.get('x-kvr-loosened')).toContain('#/properties/tags: uniqueItems');
    await until(() => log().includes('#/properties/tags: uniqueItems'), 'the line in the log');
    expect((await post(`${url}/v1/chat/completions`, asked(true))).status).toBe(400);
  });

  test('who waits is told in order', async () => {
    const engine = standInEngine(say('ok'));
    const waiting = [
      { id: 'b', priority: -1 },
      { id: undefined, priority: -Infinity },
    ];
    const one = await liveServer({ ...engine, waiting });
    live.push(one);
    expect(await (await fetch(`${one.url}/kvr/queue`)).json()).toEqual({
      waiting: [
        { id: 'b', queue_position: 1, priority: -1 },
        { id: null, queue_position: 2, priority: null },
      ],
    });
  });

  test.each(['/v1/', '//v1/', '/', '/v1/v1/', ''])(
    'a base URL that ends in "%s" is understood',
    async (base) => {
      const { url } = await serve(say('ok'));
      const path = `${base}${base.endsWith('/') ? '' : '/'}chat/completions/`;
      expect((await post(url + path, { messages: HELLO })).status).toBe(200);
    },
  );

  test('what asks for nothing is no reason to refuse', async () => {
    const { url } = await serve(say('ok'));
    const neutral = {
      store: false,
      tool_choice: 'auto',
      user: 'me',
      metadata: {},
      functions: [],
      audio: null,
    };
    const hints = { prompt_cache_key: 'mine', safety_identifier: 'me' };
    const options = { stream: true, stream_options: { include_usage: true, include_obfuscation: false } };
    const asked = { messages: HELLO, ...neutral, ...hints, ...options };
    expect((await post(`${url}/v1/chat/completions`, asked)).status).toBe(200);
  });

  test('the message of an answer that a client has parsed can be sent back', async () => {
    const { url } = await serve(async function* (_request, ids) {
      yield* spoken(byteTokenizer(300).decode(ids), ids);
    });
    const answer = { role: 'assistant', content: '{"a":1}', refusal: null, parsed: { a: 1 } };
    const response = await post(`${url}/v1/chat/completions`, { messages: [...HELLO, answer, ...HELLO] });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    expect(choices[0]?.message.content).toBe('hello\n{"a":1}\nhello');
  });
});

test('completions answer texts, lists of texts and token ids', async () => {
  const { url } = await serve(async function* (_request, ids) {
    yield* spoken(String(ids.length), ids);
  });
  const texts = async (prompt: unknown): Promise<string[]> => {
    const response = await post(`${url}/v1/completions`, { prompt });
    return ((await response.json()) as { choices: { text: string }[] }).choices.map(({ text }) => text);
  };
  expect(await texts('abc')).toEqual(['4']);
  expect(await texts(['abc', 'abcdef'])).toEqual(['4', '7']);
  expect(await texts([5, 6])).toEqual(['2']);
  expect(await texts([[5, 6], [7]])).toEqual(['2', '1']);
});

describe('errors', () => {
  const failing = (code: ConstructorParameters<typeof KvrError>[0]): Script =>
    async function* (): AsyncGenerator<GenerateEvent> {
      throw new KvrError(code, 'a reason');
    };

  test.each([
    ['BUSY', 429],
    ['PROMPT_TOO_LONG', 400],
    ['WORKER_DIED', 503],
    ['DEADLINE', 504],
    ['INTERNAL', 500],
  ] as const)('%s of an engine is status %d, streamed or not', async (code, status) => {
    const { url } = await serve(failing(code));
    for (const stream of [false, true]) {
      const response = await post(`${url}/v1/chat/completions`, { messages: HELLO, stream });
      expect(response.status).toBe(status);
      expect((await errorOf(response)).message).toBe('a reason');
      expect(response.headers.get('retry-after') !== null).toBe(status === 429 || status === 503);
    }
  });

  test.each([
    [0, '2'],
    [400, '1'],
    [41_200, '42'],
    [1e9, '600'],
  ])('where a wait of %d ms is expected, a client is asked to wait %s s', async (expectedWaitMs, seconds) => {
    const { url } = await serve(async function* (): AsyncGenerator<GenerateEvent> {
      throw new KvrError('BUSY', 'full', { expectedWaitMs });
    });
    const response = await post(`${url}/v1/chat/completions`, { messages: HELLO });
    expect(response.headers.get('retry-after')).toBe(seconds);
  });

  test.each([
    ['DEADLINE', 1],
    ['INTERNAL', 1],
    ['WORKER_DIED', 2],
  ] as const)('what would fail again is not asked again by the openai client: %s', async (code, attempts) => {
    let asked = 0;
    const { url } = await serve(async function* (): AsyncGenerator<GenerateEvent> {
      asked++;
      throw new KvrError(code, 'a reason');
    });
    const client = new OpenAI({ apiKey: 'x', baseURL: `${url}/v1`, maxRetries: 1 });
    const answer = client.chat.completions.create({
      model: 'stand-in',
      messages: [{ role: 'user', content: '' }],
    });
    await expect(answer).rejects.toMatchObject({ error: { message: 'a reason' } });
    expect(asked).toBe(attempts);
  });

  test.each([
    ['WORKER_DIED', true],
    ['WORKER_HUNG', true],
    ['LINK', true],
    ['CLOSED', true],
    ['DEADLINE', false],
    ['PROTOCOL', false],
    ['INTERNAL', false],
  ] as const)(
    'after the first token %s is the last event of every stream, and says whether to ask again',
    async (code, retryable) => {
      const { url } = await serve(async function* () {
        yield { type: 'token', id: 70, text: 'a' };
        throw new KvrError(code, 'rank 1 is gone');
      });
      const asks = { 'chat/completions': { messages: HELLO }, completions: { prompt: 'a' } };
      for (const [path, body] of Object.entries(asks)) {
        const response = await post(`${url}/v1/${path}`, { ...body, stream: true });
        const { data } = eventsOf(await response.text());
        expect(data.at(-1)).toMatchObject({
          error: { message: 'rank 1 is gone', type: 'server_error', code: code.toLowerCase(), retryable },
        });
      }
    },
  );

  test('paths, methods, media types and models that are not there', async () => {
    const { url } = await serve(say(''));
    expect((await fetch(`${url}/v2/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/v1/chat/completions`)).status).toBe(405);
    expect((await fetch(`${url}/v1/models/other`)).status).toBe(404);
    expect((await post(`${url}/v1/chat/completions`, { messages: HELLO, model: 'other' })).status).toBe(200);
    const strict = await serve(say(''), { isStrictModel: true });
    const model = await post(`${strict.url}/v1/chat/completions`, { messages: HELLO, model: 'other' });
    expect(await errorOf(model)).toMatchObject({ code: 'model_not_found', param: 'model' });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
      const ask = (headers: Record<string, string>): Promise<Response> =>
        post(`${url}/v1/chat/completions`, { messages: HELLO }, { 'content-type': type, ...headers });
      expect([type, (await ask({})).status]).toEqual([type, 200]);
      expect([type, (await ask({ origin: 'https://example.org' })).status]).toEqual([type, 415]);
    }
    const latin = { 'content-type': 'application/json; charset=latin1' };
    expect((await post(`${url}/v1/chat/completions`, { messages: HELLO }, latin)).status).toBe(415);
  });
});

/** Reads a stream to its end. @param onText is called with all that has come, whenever more has */
async function textOf(response: Response, onText: (text: string) => void): Promise<string> {
  let text = '';
  for await (const part of response.body ?? []) {
    text += Buffer.from(part as Uint8Array).toString();
    onText(text);
  }
  return text;
}

test('progress comes as comments, or as events where they are asked for', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let goOn: () => void = () => undefined;
  const { url } = await serve(async function* (_request, ids) {
    const isSeen = new Promise<void>((resolve) => (goOn = resolve));
    yield { type: 'prefill', fraction: 0.25 };
    await isSeen;
    yield { type: 'prefill', fraction: 0.5 };
    vi.advanceTimersByTime(PROGRESS_MS);
    yield* spoken('x', ids);
  });
  const onText = (text: string): void => void (text.includes('0.25') && goOn());
  const body = { messages: HELLO, stream: true };
  const commented = { ...body, return_progress: true };
  const plain = eventsOf(await textOf(await post(`${url}/v1/chat/completions`, commented), onText));
  expect(plain.comments).toEqual([': prefill 0.25', ': prefill 0.50']);
  expect(plain.data).toHaveLength(4);
  const asked = await post(`${url}/v1/chat/completions`, body, { 'x-kvr-progress': 'event' });
  expect(await textOf(asked, onText)).toContain('event: kvr.prefill\ndata: {"fraction":0.5}\n\n');
  expect((await post(`${url}/v1/chat/completions`, body, { 'x-kvr-progress': 'x' })).status).toBe(400);
});

test('a connection is kept for longer than clients and proxies keep theirs', async () => {
  const { url } = await serve(say('ok'));
  const response = await post(`${url}/v1/chat/completions`, { messages: HELLO });
  expect(Number(/^timeout=(\d+)$/.exec(response.headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(60);
});

test('a client that leaves cancels its request, streamed or not', async () => {
  const { url } = await serve(endless);
  const statuses = async (): Promise<string[]> => {
    const { requests } = (await (await fetch(`${url}/kvr/requests`)).json()) as {
      requests: { status: string }[];
    };
    return requests.map(({ status }) => status);
  };
  for (const stream of [true, false]) {
    const gone = new AbortController();
    const answer = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: HELLO, stream }),
      signal: gone.signal,
    }).then((response) => response.text());
    await until(async () => (await statuses())[0] === 'prefill', 'the prompt phase');
    gone.abort();
    await expect(answer).rejects.toThrow();
    await until(async () => (await statuses())[0] === 'cancelled', 'the cancel');
  }
});

describe('who may ask', () => {
  test('with a key, only who sends it; health and the page stay open', async () => {
    const { url, log } = await serve(say('ok'), { apiKey: 'correct-horse' });
    const ask = (authorization: string): Promise<Response> =>
      post(`${url}/v1/chat/completions`, { messages: HELLO }, { authorization });
    expect((await ask('Bearer correct-horse')).status).toBe(200);
    expect((await ask('bearer   correct-horse')).status).toBe(200);
    const wrongs = ['Bearer wrong', 'Bearer correct-horse2', 'Bearer correct-hors'];
    const missing = [
      'Basic correct-horse',
      '',
      'Bearer',
      'Bearer two words',
      'Bearer k\u00e9y',
      'correct-horse',
    ];
    for (const authorization of [...wrongs, ...missing]) {
      const response = await ask(authorization);
      expect([authorization, response.status]).toEqual([authorization, 401]);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      const { type, code, message } = await errorOf(response);
      expect({ type, code }).toEqual({ type: 'authentication_error', code: 'invalid_api_key' });
      expect(message).toContain(wrongs.includes(authorization) ? 'is wrong' : 'no API key was given');
    }
    expect((await fetch(`${url}/v1/chat/completions`)).status).toBe(401);
    expect((await fetch(`${url}/v1/nothing`)).status).toBe(404);
    for (const path of ['/v1/models', '/kvr/info', '/kvr/requests', '/kvr/live', '/kvr/plan'])
      expect((await fetch(url + path)).status).toBe(401);
    for (const path of ['/healthz', '/readyz', '/']) expect((await fetch(url + path)).status).toBe(200);
    expect(log()).not.toContain('correct-horse');
  });

  test('the key may come under its own name too', async () => {
    const { url } = await serve(say('ok'), { apiKey: 'correct-horse' });
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await post(`${url}/v1/chat/completions`, { messages: HELLO }, headers)).status;
    expect(await ask({ 'x-api-key': 'correct-horse' })).toBe(200);
    expect(await ask({ 'x-api-key': 'wrong-horse' })).toBe(401);
    expect(await ask({ 'x-api-key': 'correct-horse', authorization: 'Bearer wrong' })).toBe(401);
  });

  test('a key that no request could carry is refused at the start', async () => {
    for (const apiKey of ['correct horse', 'correct:horse', 'c\u00f6rrect-horse', ''])
      await expect(serve(say(''), { apiKey })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  test('a name that is not loopback is not answered on loopback', async () => {
    const { server } = await serve(say(''));
    const answer = await rawRequest(
      server.address.port,
      'GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('403 Forbidden');
  });

  test.each([
    ['host.docker.internal:8080', '200 OK'],
    ['Box.Example', '200 OK'],
    ['other.example', '403 Forbidden'],
  ])('of further names those that are allowed are answered: %s', async (host, status) => {
    const { server } = await serve(say(''), { allowedHosts: ['box.example'] });
    const asked = `GET /v1/models HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    expect(await rawRequest(server.address.port, asked)).toContain(status);
  });

  test('pages of other origins read nothing unless they are named', async () => {
    const { url } = await serve(say(''));
    const other = await serve(say(''), { corsOrigins: ['https://a.example'] });
    const headers = { origin: 'https://a.example' };
    const allowed = (response: Response): string | null =>
      response.headers.get('access-control-allow-origin');
    expect(allowed(await fetch(`${url}/v1/models`, { headers }))).toBeNull();
    const response = await fetch(`${other.url}/v1/models`, { headers });
    expect(allowed(response)).toBe('https://a.example');
    expect(response.headers.get('access-control-expose-headers')).toContain('X-Request-Id');
  });
});

/** Sends bytes as they are. @returns what came until the connection ended */
function rawRequest(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

test('the log has one line a request, and no prompt unless asked for', async () => {
  const secret = [{ role: 'user', content: 'my secret prompt' }];
  for (const logPrompts of [false, true]) {
    const { url, log } = await serve(say('answer'), { logPrompts });
    await (await post(`${url}/v1/chat/completions`, { messages: secret, user: 'me' })).text();
    await until(() => log().includes('"msg":"request"'), 'the line');
    const lines = log().trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      status: 200,
      kind: 'chat',
      user: 'me',
      completionTokens: 6,
    });
    expect(log().includes('secret')).toBe(logPrompts);
  }
});

describe('closing', () => {
  test('what runs may finish; what comes is refused', async () => {
    let isAsked = false;
    let finish: () => void = () => undefined;
    const isLetGoOn = new Promise<void>((resolve) => (finish = resolve));
    const script: Script = async function* (_request, ids) {
      isAsked = true;
      await isLetGoOn;
      yield* spoken('done', ids);
    };
    const { url, server } = await serve(script, { drainMs: HANG_LIMIT_MS });
    const answer = post(`${url}/v1/chat/completions`, { messages: HELLO });
    await until(() => isAsked, 'the request');
    const closed = server.close();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    finish();
    expect((await answer).status).toBe(200);
    await closed;
  });

  test('what does not finish in time is failed with a typed error', async () => {
    let asked = 0;
    const script: Script = (request, ids) => {
      asked++;
      return endless(request, ids);
    };
    const { url, server } = await serve(script, { drainMs: 100 });
    const stream = post(`${url}/v1/chat/completions`, { messages: HELLO, stream: true });
    const whole = post(`${url}/v1/chat/completions`, { messages: HELLO });
    await until(() => asked === 2, 'both requests');
    await server.close();
    expect((await whole).status).toBe(503);
    const { data } = eventsOf(await (await stream).text());
    expect(data.at(-1)).toMatchObject({ error: { code: 'closed' } });
  });
});

describe('what the page asks for', () => {
  test('requests are told as they go, with figures and without text', async () => {
    const { url } = await serve(say('some answer'));
    const page = new AbortController();
    const events = await fetch(`${url}/kvr/live`, { signal: page.signal });
    await (await post(`${url}/v1/chat/completions`, { messages: HELLO })).text();
    let told = '';
    for await (const part of events.body ?? []) {
      told += Buffer.from(part as Uint8Array).toString();
      if (told.includes('"status":"done"')) break;
    }
    page.abort();
    for (const event of ['event: request', 'event: tokens', 'event: timeline']) expect(told).toContain(event);
    expect(told).not.toContain('some answer');
    const { requests } = requestListSchema.parse(await (await fetch(`${url}/kvr/requests`)).json());
    expect(requests).toMatchObject([{ kind: 'chat', status: 'done', promptTokens: 6, completionTokens: 11 }]);
  });

  test('its files come with a strict policy, and nothing beside them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvr-page-'));
    writeFileSync(join(folder, 'index.html'), '<!doctype html>');
    writeFileSync(join(folder, 'main.js'), '1;');
    writeFileSync(join(folder, 'secret.txt'), 'x');
    const { url } = await serve(say(''), { pageFolder: folder });
    rmSync(folder, { recursive: true });
    const page = await fetch(`${url}/`);
    expect(await page.text()).toBe('<!doctype html>');
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('strict-transport-security')).toBeNull();
    expect((await fetch(`${url}/main.js`)).headers.get('content-type')).toContain('text/javascript');
    expect((await fetch(`${url}/secret.txt`)).status).toBe(404);
  });

  test('answers and errors of the API say that they are what they are, and are kept by nobody', async () => {
    const { url } = await serve(say('hi'));
    const whole = await post(`${url}/v1/chat/completions`, { messages: HELLO });
    const stream = await post(`${url}/v1/chat/completions`, { messages: HELLO, stream: true });
    const wrong = await post(`${url}/v1/chat/completions`, { messages: 1 });
    for (const { headers } of [whole, stream, wrong, await fetch(`${url}/v1/nothing`)]) {
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toContain('no-store');
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('without a measurement there is no plan, and that is said', async () => {
    const { url } = await serve(say(''));
    expect((await fetch(`${url}/kvr/plan?context=4k`)).status).toBe(400);
    const info = serverInfoSchema.parse(await (await fetch(`${url}/kvr/info`)).json());
    expect(info).toMatchObject({ version: '0.0.0', model: { name: 'stand-in', layers: 2 } });
  });
});

test('metrics count what ended, by kind and how, and ask for the key', async () => {
  const { url } = await serve(say('four'), { apiKey: 'correct-horse' });
  const headers = { authorization: 'Bearer correct-horse' };
  await (await post(`${url}/v1/chat/completions`, { messages: HELLO }, headers)).text();
  await (await post(`${url}/v1/completions`, { prompt: 'abc' }, headers)).text();
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  for (const line of [
    'kvr_requests_total{kind="chat",status="done"} 1',
    'kvr_requests_total{kind="completion",status="done"} 1',
    'kvr_prompt_tokens_total 10',
    'kvr_completion_tokens_total 8',
    'kvr_ttft_seconds_count 2',
    'kvr_requests_running 0',
  ])
    expect(text).toContain(line);
});
