/**
 * Ollama's API against a live server, by its own client: chats, completions, tools, formats, embeddings and models. What quotes
 * shows text; a random model with a template for tools shows what is held in form.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChatResponse, Ollama, type Tool } from 'ollama';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../src/engine/engine.js';
import { type LiveServer, liveServer, post } from './support/live-server.js';
import { saveTalkingLlama } from './support/talking-llama.js';

const QUESTION = 'What is the door code of the lamp room? It is ';
const ANSWER = '4821, as it was last year.';
const ASKED_BEFORE = [
  { role: 'user', content: QUESTION },
  { role: 'assistant', content: ANSWER },
  { role: 'user', content: QUESTION },
];
const GREEDY = { temperature: 0 };

/** In the way of Qwen: it shows tools, calls and thinking. */
const TEMPLATE = `{%- for message in messages %}{{ message.role }}: {{ message.content }}{% for call in message.tool_calls or [] %}
<tool_call>
{{ call.function | tojson }}
</tool_call>{% endfor %}
{% endfor %}{% if tools %}{{ tools | tojson }} {"name": <function-name>, "arguments": <args-json-object>} in <tool_call></tool_call>{% endif %}assistant:{% if enable_thinking %}<think>{% endif %}`;

const WEATHER: Tool = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'Tells the weather.',
    parameters: {
      type: 'object',
      required: ['city'],
      properties: { city: { type: 'string', description: 'Where.', enum: ['Oslo', 'Rome'] } },
    },
  },
};

let folder = '';
let quote: Engine;
let talking: Engine;
let live: LiveServer;
let other: LiveServer;
const client = (): Ollama => new Ollama({ host: live.url });
const talker = (): Ollama => new Ollama({ host: other.url });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-ollama-'));
  const settings = { threads: 1, calibrate: false, cacheDir: folder } as const;
  const special = ['<tool_call>', '</tool_call>', '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'];
  await saveTalkingLlama(join(folder, 'talker'), { template: TEMPLATE, special });
  quote = await Engine.load({ model: 'quote', ...settings });
  talking = await Engine.load({ model: join(folder, 'talker'), ...settings });
  live = await liveServer(quote);
  other = await liveServer(talking, { isStrictModel: true, aliases: ['parrot'] });
});

afterAll(async () => {
  await live.server.close();
  await other.server.close();
  await quote.close();
  await talking.close();
  rmSync(folder, { recursive: true, force: true });
});

async function collected(stream: AsyncIterable<ChatResponse>): Promise<ChatResponse[]> {
  const parts: ChatResponse[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

describe('chats', () => {
  test('whole, with figures in nanoseconds', async () => {
    const answer = await client().chat({ model: 'quote', messages: ASKED_BEFORE, options: GREEDY });
    expect(answer).toMatchObject({
      model: 'quote',
      message: { role: 'assistant', content: ANSWER },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 2 + 2 * QUESTION.length + ANSWER.length + 1,
      eval_count: ANSWER.length + 1,
    });
    expect(new Date(answer.created_at).getTime()).not.toBeNaN();
    for (const key of ['total_duration', 'prompt_eval_duration', 'eval_duration'] as const)
      expect(Number.isInteger(answer[key]) && answer[key] > 0).toBe(true);
    expect(answer.total_duration).toBeGreaterThan(answer.eval_duration);
  });

  test('as a stream, which is the default of a body that says nothing', async () => {
    const request = { model: 'any:latest', messages: ASKED_BEFORE, options: GREEDY };
    const parts = await collected(await client().chat({ ...request, stream: true }));
    expect(parts.map(({ message }) => message.content).join('')).toBe(ANSWER);
    expect(parts.map(({ done }) => done).lastIndexOf(false)).toBe(parts.length - 2);
    expect(parts.at(-1)).toMatchObject({ model: 'any:latest', done: true, done_reason: 'stop' });
    const raw = await post(`${live.url}/api/chat`, request);
    expect(raw.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await raw.text()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as ChatResponse).done)).toEqual([
      ...new Array<boolean>(lines.length - 1).fill(false),
      true,
    ]);
  });

  test('options bound it; those about loading are ignored by name', async () => {
    const options = { ...GREEDY, num_predict: 4, num_ctx: 512, num_gpu: 1, stop: ['last'] };
    const request = { model: 'quote', messages: ASKED_BEFORE, options, keep_alive: '5m', stream: false };
    const response = await post(`${live.url}/api/chat`, request);
    expect(response.headers.get('x-kvr-ignored')).toBe('options.num_ctx, options.num_gpu, keep_alive');
    expect(await response.json()).toMatchObject({
      message: { content: ANSWER.slice(0, 4) },
      done_reason: 'length',
    });
    const stopped = await client().chat({
      ...request,
      stream: false,
      options: { ...options, num_predict: -1 },
    });
    expect(stopped.message.content).toBe(ANSWER.slice(0, ANSWER.indexOf('last')));
  });

  test('what is wrong is told under the name that the client gave it', async () => {
    const ask = async (fields: object): Promise<{ status: number; error: string }> => {
      const response = await post(`${live.url}/api/chat`, {
        model: 'quote',
        messages: ASKED_BEFORE,
        ...fields,
      });
      return { status: response.status, ...((await response.json()) as { error: string }) };
    };
    expect(await ask({ options: { temperature: -1 } })).toMatchObject({
      status: 400,
      error: expect.stringMatching(/^options\.temperature: /) as unknown,
    });
    expect(await ask({ options: { mirostat: 2 } })).toMatchObject({
      error: expect.stringContaining('"options.mirostat"') as unknown,
    });
    expect(await ask({ format: { type: 'hiccup' } })).toMatchObject({
      error: expect.stringMatching(/^format: /) as unknown,
    });
    expect(await ask({ options: 7 })).toMatchObject({ error: expect.stringMatching(/^options /) as unknown });
    expect((await ask({ messages: [{ role: 'user', content: 'x', images: ['aaaa'] }] })).status).toBe(400);
  });

  test('a client that leaves ends its stream; the server goes on', async () => {
    const stream = await client().chat({ model: 'quote', messages: ASKED_BEFORE, stream: true });
    const reading = collected(stream);
    stream.abort();
    await reading.catch(() => undefined);
    const answer = await client().chat({ model: 'quote', messages: ASKED_BEFORE, options: GREEDY });
    expect(answer.message.content).toBe(ANSWER);
  });

  test('without messages it says that the model is there', async () => {
    const answer = await client().chat({ model: 'quote', messages: [] });
    expect(answer).toMatchObject({
      done: true,
      done_reason: 'load',
      message: { role: 'assistant', content: '' },
    });
  });
});

describe('completions', () => {
  const prompt = `${QUESTION}${ANSWER} ${QUESTION}`;

  test('a raw prompt goes to the model as it is, without a limit of its own', async () => {
    const answer = await client().generate({ model: 'quote', prompt, raw: true, options: GREEDY });
    expect(answer.response?.startsWith(ANSWER)).toBe(true);
    expect(answer.prompt_eval_count).toBe(1 + prompt.length);
    expect(answer.eval_count).toBeGreaterThan(16);
  });

  test('another goes through the template, with a system message, and is streamed', async () => {
    const parts: string[] = [];
    const options = { ...GREEDY, num_predict: 5 };
    const stream = await talker().generate({
      model: 'parrot',
      prompt: 'Hi',
      system: 'Be.',
      stream: true,
      options,
    });
    for await (const part of stream) parts.push(part.response ?? '');
    const whole = await talker().generate({ model: 'parrot', prompt: 'Hi', system: 'Be.', options });
    expect(parts.join('')).toBe(whole.response);
    const chat = await talker().chat({
      model: 'parrot',
      messages: [
        { role: 'system', content: 'Be.' },
        { role: 'user', content: 'Hi' },
      ],
      options,
    });
    expect([whole.response, whole.prompt_eval_count]).toEqual([chat.message.content, chat.prompt_eval_count]);
  });

  test('a suffix is filled in by a model with tokens for it, and refused by name elsewhere', async () => {
    const options = { ...GREEDY, num_predict: 3 };
    const answer = await talker().generate({ model: 'parrot', prompt: 'ab', suffix: 'yz', options });
    // The marks, and a token or more for each text.
    expect(answer.prompt_eval_count).toBeGreaterThanOrEqual(5);
    expect(answer.eval_count).toBe(3);
    const refused = client().generate({ model: 'quote', prompt: 'ab', suffix: 'yz' });
    await expect(refused).rejects.toThrow(/"suffix" is not supported by this model/);
  });

  test('log-probabilities, which its answers do not tell, are ignored by name', async () => {
    const body = {
      model: 'parrot',
      prompt: 'Hi',
      logprobs: true,
      options: { num_predict: 1 },
      stream: false,
    };
    const answer = await fetch(`${other.url}/api/generate`, { method: 'POST', body: JSON.stringify(body) });
    expect([answer.status, answer.headers.get('x-kvr-ignored')]).toEqual([200, 'logprobs']);
  });

  test.each([
    { system: 'Be.', raw: true },
    { n: 5 },
    { context: [1, 2] },
    { template: '{{ .Prompt }}' },
    { images: ['aaaa'] },
  ])('refused by name: %j', async (fields) => {
    const asked = client().generate({ model: 'quote', prompt: 'a', ...fields });
    await expect(asked).rejects.toThrow(`"${Object.keys(fields)[0]}"`);
  });
});

describe('held in form', () => {
  const messages = [{ role: 'user', content: 'Fill it in.' }];

  test('format json, and a schema', async () => {
    const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] };
    const options = { num_predict: 400, seed: 3 };
    const held = await talker().chat({ model: 'parrot', messages, format: schema, think: false, options });
    if (held.done_reason === 'stop') expect(JSON.parse(held.message.content)).toHaveProperty('age');
    expect(held.message.content.trimStart().startsWith('{')).toBe(true);
    const any = await talker().generate({
      model: 'parrot',
      prompt: 'x',
      format: 'json',
      think: false,
      options,
    });
    expect(any.response?.trimStart().startsWith('{')).toBe(true);
  });

  test('tools in turns: a call, its result without an id, whole and streamed', async () => {
    const strict = { ...WEATHER, function: { ...WEATHER.function, strict: true } };
    const ask = {
      model: 'parrot',
      messages,
      tools: [strict],
      tool_choice: 'required',
      // A model at random might think for ever.
      think: false,
      options: { num_predict: 200, seed: 3 },
    };
    const first = await talker().chat(ask);
    const calls = first.message.tool_calls ?? [];
    expect(calls.length).toBeGreaterThan(0);
    expect(calls[0]?.function).toMatchObject({ name: 'weather', arguments: { city: /Oslo|Rome/ } });
    const results = calls.map(({ function: { name } }) => ({
      role: 'tool',
      content: 'Rain.',
      tool_name: name,
    }));
    const next = [...messages, first.message, ...results];
    const second = await talker().chat({ ...ask, messages: next, options: { num_predict: 5, ...GREEDY } });
    expect(second.prompt_eval_count).toBeGreaterThan(first.prompt_eval_count);
    const parts = await collected(
      await talker().chat({ ...ask, stream: true, options: { num_predict: 200, seed: 3 } }),
    );
    const streamed = parts.flatMap(({ message }) => message.tool_calls ?? []);
    expect(streamed[0]?.function).toMatchObject({ name: 'weather', arguments: { city: /Oslo|Rome/ } });
  });

  test('think is told to the template, and thinking comes in a field of its own', async () => {
    const options = { ...GREEDY, num_predict: 4 };
    const answer = await talker().chat({ model: 'parrot', messages, think: true, options });
    expect(answer.message.thinking).not.toBe('');
    expect(answer.message.content).toBe('');
    const plain = await talker().chat({ model: 'parrot', messages, think: false, options });
    expect(plain.message.thinking).toBeUndefined();
  });
});

describe('embeddings', () => {
  test('of one text and of several; a longer one than the context is cut', async () => {
    const { embeddings, prompt_eval_count: tokens } = await talker().embed({
      model: 'parrot',
      input: ['one', 'two'],
    });
    const [one] = (await talker().embed({ model: 'parrot', input: 'one' })).embeddings;
    expect(embeddings[0]).toEqual(one);
    expect(Math.hypot(...(one ?? []))).toBeCloseTo(1, 4);
    expect(tokens).toBeGreaterThan(2);
    const long = await talker().embed({ model: 'parrot', input: 'word '.repeat(3000) });
    expect(long.prompt_eval_count).toBeLessThanOrEqual(talking.model.shape.contextTokens);
    expect(long.prompt_eval_count).toBeGreaterThan(talking.model.shape.contextTokens - 8);
    const whole = talker().embed({ model: 'parrot', input: 'word '.repeat(3000), truncate: false });
    await expect(whole).rejects.toThrow(/tokens/);
  });

  test('by the older path, of any length', async () => {
    const { embedding } = await talker().embeddings({ model: 'parrot', prompt: 'one' });
    const [unit] = (await talker().embed({ model: 'parrot', input: 'one' })).embeddings;
    const length = Math.hypot(...embedding);
    expect(embedding.map((value) => value / length)[0]).toBeCloseTo(unit?.[0] ?? NaN, 5);
  });
});

describe('models', () => {
  test('are told with their sizes and what they can do', async () => {
    const { models } = await talker().list();
    expect(models).toMatchObject([{ name: 'parrot', model: 'parrot', details: { family: 'llama' } }]);
    expect((await talker().ps()).models[0]?.name).toBe('parrot');
    const shown = await talker().show({ model: 'parrot:latest' });
    expect(shown.capabilities).toEqual(['completion', 'tools', 'thinking', 'insert']);
    expect(shown.model_info).toMatchObject({ 'llama.context_length': 2048 });
    expect((await talker().version()).version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('of another name are not there where the server is strict, nor can any be changed', async () => {
    await expect(talker().show({ model: 'llama3' })).rejects.toThrow(/no model "llama3"/);
    await expect(talker().chat({ model: 'llama3', messages: ASKED_BEFORE })).rejects.toThrow(/no model/);
    await expect(talker().embed({ model: 'llama3', input: 'x' })).rejects.toThrow(/no model/);
    await expect(talker().pull({ model: 'llama3' })).rejects.toThrow(/kvr pull/);
  });
});
