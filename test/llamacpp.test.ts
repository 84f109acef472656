/**
 * llama.cpp's API against a live server with a small random model: what its clients send and rely on, and /v1/embeddings by the
 * openai client. The scenarios are those that llama.cpp checks of its own server, as docs/http.md lists them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../src/engine/engine.js';
import { eventsOf, type LiveServer, liveServer, post } from './support/live-server.js';
import { saveTalkingLlama } from './support/talking-llama.js';
import { until } from './support/until.js';

const TEMPLATE = `{% for message in messages %}<bos>{{ message.role }}: {{ message.content }}
{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}`;
const MARKS = ['<fim_prefix>', '<fim_suffix>', '<fim_middle>', '<repo_name>', '<file_sep>'];
const PROMPT = 'I believe the meaning of life is';
const KEY = 'a-key-for-tests';

let folder = '';
let engine: Engine;
let live: LiveServer;
let locked: LiveServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-llamacpp-'));
  const model = join(folder, 'talker');
  await saveTalkingLlama(model, { template: TEMPLATE, special: MARKS });
  const config = { bos_token: '<bos>', eos_token: '<eot>', add_bos_token: true, chat_template: TEMPLATE };
  await writeFile(join(model, 'tokenizer_config.json'), JSON.stringify(config));
  engine = await Engine.load({ model, workers: 2, threads: 1, calibrate: false, cacheDir: folder });
  live = await liveServer(engine);
  locked = await liveServer(engine, { apiKey: KEY, aliases: ['talker-of-old', 'second'] });
});

afterAll(async () => {
  await live.server.close();
  await locked.server.close();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

type Answer = {
  content: string;
  tokens: number[];
  stop: boolean;
  stop_type: string;
  stopping_word: string;
  tokens_evaluated: number;
  tokens_predicted: number;
  truncated: boolean;
  prompt: string;
  generation_settings: Record<string, unknown>;
  timings: Record<string, number>;
  completion_probabilities: { id: number; logprob: number; bytes: number[]; top_logprobs: unknown[] }[];
  prompt_progress?: { total: number; processed: number };
};

async function ask<T = Answer>(path: string, body: object): Promise<T> {
  const response = await post(`${live.url}${path}`, body);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function refusal(path: string, body: object) {
  const response = await post(`${live.url}${path}`, body);
  const { error } = (await response.json()) as { error: { code: number; type: string; message: string } };
  expect(error.code).toBe(response.status);
  return error;
}

async function streamed(body: object): Promise<Answer[]> {
  const response = await post(`${live.url}/completion`, { ...body, stream: true });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return eventsOf(await response.text()).data as Answer[];
}

const greedy = { prompt: PROMPT, n_predict: 8, temperature: 0 };

describe('/completion', () => {
  test('tells what it did: counts, timings, settings, how it ended', async () => {
    const answer = await ask('/completion', { ...greedy, seed: 7 });
    expect(answer).toMatchObject({
      stop: true,
      stop_type: 'limit',
      stopping_word: '',
      truncated: false,
      tokens: [],
      tokens_predicted: 8,
      prompt: `<bos>${PROMPT}`,
      generation_settings: { n_predict: 8, seed: 7, temperature: 0, n_ctx: 2048 },
      timings: { predicted_n: 8, prompt_n: answer.tokens_evaluated },
    });
    for (const key of ['prompt_ms', 'prompt_per_second', 'predicted_ms', 'predicted_per_second'])
      expect(answer.timings[key]).toBeGreaterThan(0);
  });

  test('a stream has one event a token, its text is that of a whole answer, and its last event the figures', async () => {
    const whole = await ask('/completion', { ...greedy, return_tokens: true });
    const events = await streamed(greedy);
    expect(events.map(({ content }) => content).join('')).toBe(whole.content);
    const last = events.at(-1);
    expect(events.map(({ stop }) => stop)).toEqual([
      ...new Array<boolean>(events.length - 1).fill(false),
      true,
    ]);
    expect(events.slice(0, -1).flatMap(({ tokens }) => tokens)).toEqual(whole.tokens);
    expect(last).toMatchObject({ stop_type: 'limit', timings: { predicted_n: 8 }, tokens_predicted: 8 });
  });

  test('prompts are texts, token ids, both mixed, objects, and lists of these', async () => {
    const { tokens } = await ask<{ tokens: number[] }>('/tokenize', { content: PROMPT, add_special: true });
    const { content } = await ask('/completion', greedy);
    expect(await ask('/completion', { ...greedy, prompt: tokens })).toMatchObject({ content });
    const mixed = [tokens[0], PROMPT];
    expect(await ask('/completion', { ...greedy, prompt: mixed })).toMatchObject({ content });
    const list = [PROMPT, tokens, { prompt_string: PROMPT }, mixed];
    const answers = await ask<Answer[]>('/completion', { ...greedy, prompt: list });
    expect(answers.map((answer) => answer.content)).toEqual(new Array(4).fill(content));
    const many = await ask<Answer[]>('/completion', { ...greedy, n_cmpl: 2 });
    expect(many).toHaveLength(2);
  });

  test('same seed, same text; a negative one asks for any', async () => {
    const hot = { ...greedy, temperature: 1, n_predict: 16 };
    const [one, same, other] = await Promise.all(
      [42, 42, 43].map((seed) => ask('/completion', { ...hot, seed, cache_prompt: false })),
    );
    expect(same?.content).toBe(one?.content);
    expect(other?.content).not.toBe(one?.content);
    expect((await ask('/completion', { ...hot, seed: -1 })).tokens_predicted).toBe(16);
  });

  test.each([{ max_new_tokens: 5 }, { num_predict: 5 }, { n_predict: -1, max_tokens: 5 }])(
    'a limit counts in every spelling: %j',
    async (limit) => {
      const answer = await ask('/completion', { prompt: PROMPT, temperature: 0, ...limit });
      expect(answer.tokens_predicted).toBeLessThanOrEqual(5);
    },
  );

  test('n_predict of -1 is what there is room for', async () => {
    const answer = await ask('/completion', { prompt: PROMPT, n_predict: -1, temperature: 0 });
    expect(answer.tokens_predicted).toBeGreaterThan(16);
  });

  test('n_probs tells of each token its probability and the likeliest others, whole and streamed', async () => {
    const asked = { ...greedy, n_predict: 5, n_probs: 10 };
    const { completion_probabilities: whole } = await ask('/completion', asked);
    expect(whole).toHaveLength(5);
    for (const { id, logprob, bytes, top_logprobs: top } of whole) {
      expect(id).toBeGreaterThan(0);
      expect(logprob).toBeLessThanOrEqual(0);
      expect(Array.isArray(bytes)).toBe(true);
      expect(top).toHaveLength(10);
    }
    const events = (await streamed(asked)).filter(({ stop, tokens }) => !stop && tokens.length > 0);
    expect(events.flatMap((event) => event.completion_probabilities)).toEqual(whole);
    expect((await refusal('/completion', { ...asked, post_sampling_probs: true })).message).toMatch(
      /"post_sampling_probs"/,
    );
  });

  test('biases forbid tokens, by id and by text, in pairs and in records', async () => {
    const { content, tokens } = await ask('/completion', { ...greedy, return_tokens: true });
    const [first = 0] = tokens;
    const by = (logit_bias: unknown) => ask('/completion', { ...greedy, logit_bias, return_tokens: true });
    expect((await by([[first, false]])).tokens).not.toContain(first);
    expect((await by({ [first]: -100 })).tokens).not.toContain(first);
    const letter = [...content].find((char) => /[a-z]/.test(char)) ?? 'e';
    expect((await by([[letter, -100]])).content).not.toContain(letter);
    expect((await refusal('/completion', { ...greedy, logit_bias: 'all' })).message).toMatch(/logit_bias/);
  });

  test('ends at a stop text, which it names', async () => {
    const long = { ...greedy, n_predict: 64 };
    const { content } = await ask('/completion', long);
    const stop = /[!-~]{2}/.exec(content)?.[0] ?? 'nothing to stop at';
    const answer = await ask('/completion', { ...long, stop: [stop, 'never said'] });
    expect(answer).toMatchObject({
      stop_type: 'word',
      stopping_word: stop,
      content: content.slice(0, content.indexOf(stop)),
    });
  });

  test('response_fields cuts the answer to what is named', async () => {
    const fields = ['content', 'generation_settings/n_predict', 'prompt', 'not/there'];
    const answer = await ask<object>('/completion', { ...greedy, response_fields: fields });
    expect(Object.keys(answer)).toEqual(['content', 'generation_settings/n_predict', 'prompt']);
  });

  test('progress of a long prompt ends at the whole', async () => {
    const events = await streamed({ ...greedy, prompt: 'word '.repeat(200), return_progress: true });
    const told = events.flatMap((event) => event.prompt_progress ?? []);
    expect(told.at(-1)?.processed).toBe(told.at(-1)?.total);
    expect(told.map(({ processed }) => processed)).toEqual(
      [...told.map(({ processed }) => processed)].sort((a, b) => a - b),
    );
  });

  test('an answer is held to a schema', async () => {
    const { content } = await ask('/completion', { ...greedy, json_schema: { const: '42' }, n_predict: 20 });
    expect(content).toBe('"42"');
  });

  test('what does not fit into the context is refused, with both numbers', async () => {
    const error = await refusal('/completion', { ...greedy, prompt: 'word '.repeat(2000) });
    expect(error).toMatchObject({ code: 400, type: 'exceed_context_size_error' });
  });

  test('a client that leaves frees its place', async () => {
    const leaving = new AbortController();
    const asked = fetch(`${live.url}/completion`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: PROMPT, n_predict: 1500, ignore_eos: false, temperature: 1 }),
      signal: leaving.signal,
    });
    const busy = async (): Promise<number> => {
      const all = (await (await fetch(`${live.url}/slots`)).json()) as { is_processing: boolean }[];
      return all.filter((slot) => slot.is_processing).length;
    };
    await until(async () => (await busy()) === 1, 'a busy place');
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await until(async () => (await busy()) === 0, 'a free place');
  });
});

describe('tokens', () => {
  const text = 'What is the capital of France ?';

  test('of a text are the text again; BOS comes where it is asked for', async () => {
    const { tokens } = await ask<{ tokens: number[] }>('/tokenize', { content: text });
    expect((await ask('/detokenize', { tokens })).content).toBe(text);
    const framed = await ask<{ tokens: number[] }>('/tokenize', { content: text, add_special: true });
    expect(framed.tokens.slice(1)).toEqual(tokens);
    expect((await ask('/detokenize', { tokens: framed.tokens })).content).toBe(`<bos>${text}`);
  });

  test('have pieces: texts, or bytes where a token is a part of a character', async () => {
    const { tokens } = await ask<{ tokens: { id: number; piece: string | number[] }[] }>('/tokenize', {
      content: 'unicode 媽 and 🤗',
      with_pieces: true,
    });
    expect(tokens.every(({ id, piece }) => id >= 0 && piece.length > 0)).toBe(true);
    expect(tokens.some(({ piece }) => Array.isArray(piece))).toBe(true);
  });

  test('of a chat show how the template puts it', async () => {
    const messages = [
      { role: 'system', content: 'You are a test.' },
      { role: 'user', content: 'Hi there' },
    ];
    const { prompt } = await ask('/apply-template', { messages });
    expect(prompt).toBe('<bos>system: You are a test.\n<bos>user: Hi there\nassistant:');
    const bare = await ask('/apply-template', { messages, add_generation_prompt: false });
    expect(bare.prompt).toBe('<bos>system: You are a test.\n<bos>user: Hi there\n');
  });

  test.each([
    ['/tokenize', { content: 7 }],
    ['/tokenize', { content: 'a', parse_special: false }],
    ['/detokenize', { tokens: ['a'] }],
    ['/detokenize', { tokens: [-1] }],
    ['/apply-template', { messages: 'a' }],
  ])('%s refuses %j', async (path, body) => {
    expect((await refusal(path, body)).code).toBe(400);
  });
});

describe('/infill', () => {
  const parts = { input_prefix: 'int main() {\n', prompt: '  int n = ', input_suffix: '}\n' };

  test('puts the parts, and other files, into the marks of the model', async () => {
    const asked = { ...parts, n_predict: 4, temperature: 0 };
    const { prompt } = await ask('/infill', asked);
    expect(prompt).toBe('<bos><fim_prefix>int main() {\n<fim_suffix>}\n<fim_middle>  int n = ');
    const extra = [{ filename: 'llama.h', text: 'int f();\n' }];
    const more = await ask('/infill', { ...asked, input_extra: extra });
    expect(more.prompt).toBe(
      `<bos><repo_name>myproject\n<file_sep>llama.h\nint f();\n<file_sep>filename\n${prompt.slice('<bos>'.length)}`,
    );
  });

  test.each([
    {},
    { filename: 'ok' },
    { filename: 123 },
    { filename: 123, text: 'abc' },
    { filename: 123, text: 456 },
  ])('refuses a file of %j', async (file) => {
    expect((await refusal('/infill', { ...parts, input_extra: [file] })).code).toBe(400);
  });
});

describe('the state', () => {
  test('/health is open to all, and the rest to those with the key, under either name', async () => {
    for (const path of ['/health', '/v1/health'])
      expect(await (await fetch(`${locked.url}${path}`)).json()).toEqual({ status: 'ok' });
    const asked = await post(`${locked.url}/completion`, greedy);
    const { error } = (await asked.json()) as { error: { type: string } };
    expect([asked.status, error.type]).toEqual([401, 'authentication_error']);
    for (const headers of [{ authorization: `Bearer ${KEY}` }, { 'x-api-key': KEY }])
      expect((await post(`${locked.url}/completion`, greedy, headers)).status).toBe(200);
  });

  test('/props and /slots tell of places and of no path', async () => {
    const props = (await (await fetch(`${live.url}/props`)).json()) as Record<string, unknown>;
    expect(props).toMatchObject({
      total_slots: engine.settings.maxRunning,
      model_path: 'talker',
      chat_template: TEMPLATE,
      default_generation_settings: { n_ctx: 2048 },
    });
    const all = (await (await fetch(`${live.url}/slots`)).json()) as object[];
    expect(all).toHaveLength(engine.settings.maxRunning);
    expect(all[0]).toMatchObject({ id: 0, n_ctx: 2048, is_processing: false });
  });

  test('models have names, never paths, and tell their context and what they can do', async () => {
    const list = async (server: LiveServer): Promise<object[]> => {
      const response = await fetch(`${server.url}/models`, { headers: { authorization: `Bearer ${KEY}` } });
      const text = await response.text();
      expect(text).not.toContain(folder);
      return (JSON.parse(text) as { data: object[] }).data;
    };
    expect(await list(live)).toMatchObject([
      {
        id: 'talker',
        max_model_len: 2048,
        context_length: 2048,
        capabilities: ['completion', 'chat', 'insert'],
        meta: { n_ctx_train: 2048, n_vocab: 400 },
      },
    ]);
    expect(await list(locked)).toMatchObject([{ id: 'talker-of-old', aliases: ['second', 'talker'] }]);
  });
});

describe('/v1/embeddings, by the openai client', () => {
  const client = (): OpenAI => new OpenAI({ apiKey: 'none', baseURL: `${live.url}/v1`, maxRetries: 0 });
  const create = (input: string | string[] | number[] | number[][], more: object = {}) =>
    client().embeddings.create({ model: 'any', input, ...more });

  test('one, many, and token ids give vectors of length 1, and their tokens are counted', async () => {
    const one = await create(PROMPT);
    const { tokens } = await ask<{ tokens: number[] }>('/tokenize', { content: PROMPT, add_special: true });
    expect(one.usage).toEqual({ prompt_tokens: tokens.length, total_tokens: tokens.length });
    expect(Math.hypot(...(one.data[0]?.embedding ?? []))).toBeCloseTo(1, 5);
    const many = await create([PROMPT, 'Another', PROMPT]);
    expect(many.data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(many.data[2]?.embedding).toEqual(many.data[0]?.embedding);
    for (const input of [tokens, [tokens]])
      expect((await create(input)).data[0]?.embedding).toEqual(one.data[0]?.embedding);
  });

  test('floats and base64 are the same numbers; fewer dimensions have length 1 again; the mean is another vector', async () => {
    // The client asks for base64 and unpacks it, unless told.
    const packed = (await create(PROMPT)).data[0]?.embedding;
    const floats = (await create(PROMPT, { encoding_format: 'float' })).data[0]?.embedding;
    expect(packed).toEqual(floats);
    const short = (await create(PROMPT, { dimensions: 4 })).data[0]?.embedding ?? [];
    expect([short.length, Math.hypot(...short).toFixed(5)]).toEqual([4, '1.00000']);
    const mean = (await create(PROMPT, { pooling: 'mean' })).data[0]?.embedding;
    expect(mean).not.toEqual(packed);
  });

  test("llama.cpp's forms of an input are texts, too", async () => {
    const { tokens } = await ask<{ tokens: number[] }>('/tokenize', { content: 'hello world' });
    const forms = [
      'hello world',
      { prompt_string: 'hello world' },
      {
        content: [
          { type: 'text', text: 'hello ' },
          { type: 'text', text: 'world' },
        ],
      },
      [1, ...tokens, 'and more'],
    ];
    const { data } = await ask<{ data: { embedding: number[] }[] }>('/v1/embeddings', { input: forms });
    expect(data[1]?.embedding).toEqual(data[0]?.embedding);
    expect(data[2]?.embedding).toEqual(data[0]?.embedding);
    const own = await ask<{ embedding: number[][] }[]>('/embedding', { content: 'hello world' });
    expect(own[0]?.embedding[0]).toEqual(data[0]?.embedding);
  });

  test.each([
    [{ input: [] }, 'input'],
    [{}, 'input'],
    [{ input: { content: 'string' } }, 'input'],
    [{ input: { content: [{ type: 'image_url' }] } }, 'input.content'],
    [{ input: 'word '.repeat(3000) }, 'prompt'],
    [{ input: 'a', dimensions: 100_000 }, 'dimensions'],
    [{ input: 'a', encoding_format: 'hex' }, 'encoding_format'],
    [{ input: 'a', pooling: 'none' }, 'pooling'],
    [{ input: 'a', prompt_name: 'query' }, 'prompt_name'],
    [{ input: new Array<string>(2049).fill('a') }, 'input'],
  ])('refusal %#', async (body, param) => {
    const response = await post(`${live.url}/v1/embeddings`, body);
    const { error } = (await response.json()) as { error: { param: string | null; message: string } };
    expect(response.status).toBe(400);
    if (param !== 'prompt') expect(error.param).toBe(param);
  });

  test('they are in the list of requests, and a client that leaves cancels them', async () => {
    const leaving = new AbortController();
    const input = Array.from({ length: 60 }, (_, at) => `${at} ${'word '.repeat(60)}`);
    const asked = client().embeddings.create({ model: 'any', input }, { signal: leaving.signal });
    const newest = async (): Promise<{ kind: string; status: string } | undefined> => {
      const response = await fetch(`${live.url}/kvr/requests`);
      return ((await response.json()) as { requests: { kind: string; status: string }[] }).requests[0];
    };
    await until(async () => (await newest())?.status === 'prefill', 'embeddings under way');
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await until(async () => (await newest())?.status === 'cancelled', 'their end');
    expect((await newest())?.kind).toBe('embedding');
    expect((await create('a')).data).toHaveLength(1);
  });
});
