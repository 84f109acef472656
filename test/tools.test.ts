/**
 * Calls of functions over HTTP by models that talk nonsense: what must be a call is one, and fits its schema; text
 * stays text; and the clients that people have make of it what they should.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, streamText, tool } from 'ai';
import { Ajv2020 } from 'ajv/dist/2020.js';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../src/index.js';
import { type LiveServer, liveServer } from './support/live-server.js';
import { saveTalkingLlama } from './support/talking-llama.js';

const WEATHER = {
  type: 'object' as const,
  properties: {
    city: { type: 'string' as const, pattern: '^[A-Z][a-z]{2,8}$' },
    days: { type: 'integer' as const, minimum: 1, maximum: 7 },
  },
  required: ['city', 'days'],
  additionalProperties: false,
};
const CLOCK = { type: 'object' as const, properties: { zone: { enum: ['UTC', 'CET'] } }, required: ['zone'] };
const toolOf = (name: string, parameters: Record<string, unknown>, strict = false) => ({
  ...{ type: 'function' as const },
  function: { name, parameters, strict, description: 'Of use.' },
});
const TOOLS = [toolOf('weather', WEATHER), toolOf('clock', CLOCK)];
const STRICT = [toolOf('weather', WEATHER, true), toolOf('clock', CLOCK, true)];
const MOOD = {
  type: 'object' as const,
  properties: { mood: { enum: ['glad', 'sad'] }, why: { type: 'string' as const, maxLength: 30 } },
  required: ['mood'],
  additionalProperties: false,
};
const SCHEMAS: Readonly<Record<string, object>> = { weather: WEATHER, clock: CLOCK };

const body = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}{% endfor %}";
const TEMPLATES: Readonly<Record<string, string>> = {
  hermes: `{% if tools %}{{ tools | tojson }} use <tool_call>{% endif %}${body}`,
  mistral: `{% if tools %}{{ tools | tojson }} use [TOOL_CALLS]{% endif %}${body}`,
  llama: `{% if tools %}{{ tools | tojson }} {"name": n, "parameters": p}{% endif %}${body}`,
};

const ajv = new Ajv2020({ strict: false });
const cacheDir = mkdtempSync(join(tmpdir(), 'kvr-tools-'));
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

const messages = [{ role: 'user' as const, content: 'the cat' }];
/** Drawn at once, so that there are some of each kind. */
const ANSWERS = 4;
/** What reaches a client is the same text whatever form the model had it in. */
const KIND_OF_CLIENTS = 'hermes';
type Told = { name: string; arguments: string };
type Call = { readonly id: string; readonly type: string; readonly function: Told };
type Delta = OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall;

function checkCalls(calls: readonly Call[], names: readonly string[]): void {
  expect(calls.length).toBeGreaterThan(0);
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
  for (const { function: called } of calls) {
    expect(names).toContain(called.name);
    const isValid = ajv.validate(SCHEMAS[called.name] ?? false, JSON.parse(called.arguments));
    expect([isValid, called.arguments]).toEqual([true, called.arguments]);
  }
}

describe.each(['quote', 'hermes', 'mistral', 'llama'])('calls as %s has them', (kind) => {
  let engine: Engine;
  let live: LiveServer;
  let client: OpenAI;
  beforeAll(async () => {
    const model = kind === 'quote' ? kind : join(cacheDir, kind);
    const template = TEMPLATES[kind] ?? '';
    if (kind !== 'quote') await saveTalkingLlama(model, { template, special: ['[TOOL_CALLS]'], layers: 1 });
    const options = {
      model,
      workers: 1,
      threads: 1,
      cacheDir,
      calibrate: false,
      prefixCacheBytes: 10_000_000,
    };
    engine = await Engine.load(options);
    live = await liveServer(engine);
    client = new OpenAI({ apiKey: 'x', baseURL: `${live.url}/v1`, maxRetries: 0 });
  });
  afterAll(async () => {
    await live.server.close();
    await engine.close();
  });
  const common = { messages, tools: TOOLS, max_tokens: 700 };
  const modelName = () => engine.model.name;

  test.each([0, 1, 2])('a call that must come fits its function, seed %i', async (seed) => {
    const asked = {
      ...common,
      model: modelName(),
      tool_choice: 'required' as const,
      temperature: seed * 2,
      seed,
    };
    const { choices } = await client.chat.completions.create({ ...asked, parallel_tool_calls: false });
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    checkCalls((choices[0]?.message.tool_calls ?? []) as Call[], ['weather', 'clock']);
    expect(choices[0]?.message.tool_calls).toHaveLength(1);
  });

  test('a call is streamed as it is written, and comes to the same as whole', async () => {
    const named = { type: 'function' as const, function: { name: 'weather' } };
    const asked = { ...common, model: modelName(), tool_choice: named, seed: 5, logprobs: true };
    const whole = (await client.chat.completions.create(asked)).choices[0];
    const deltas: Delta[] = [];
    let [text, reason] = ['', ''];
    for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true })) {
      text += choices[0]?.delta.content ?? '';
      reason = choices[0]?.finish_reason ?? reason;
      deltas.push(...(choices[0]?.delta.tool_calls ?? []));
    }
    expect([text, reason]).toEqual(['', 'tool_calls']);
    const [first, ...rest] = deltas;
    expect(first).toEqual({
      ...{ index: 0, id: expect.stringMatching(/^\w{9}$/) as unknown, type: 'function' },
      function: { name: 'weather', arguments: '' },
    });
    const pieces = rest.map((delta) => delta.function?.arguments ?? '');
    expect(rest).toEqual(pieces.map((piece) => ({ index: 0, function: { arguments: piece } })));
    // Tokens of these models are short.
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(10);
    const [call] = (whole?.message.tool_calls ?? []) as Call[];
    expect(pieces.join('')).toBe(call?.function.arguments);
    checkCalls(call ? [call] : [], ['weather']);
  });

  test('the streams of several answers with several calls come to the same as whole', async () => {
    // Enough for two calls and the begin of a third.
    const few = { ...common, max_tokens: 160 };
    const asked = { ...few, model: modelName(), tool_choice: 'required' as const, seed: 11, n: 2 };
    const { choices } = await client.chat.completions.create(asked);
    const streamed: Told[][] = choices.map(() => []);
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
      for (const { index, delta } of chunk.choices) {
        const calls = streamed[index] as Told[];
        for (const { index: at, function: called } of delta.tool_calls ?? []) {
          calls[at] ??= { name: called?.name ?? '', arguments: '' };
          calls[at].arguments += called?.arguments ?? '';
        }
      }
    const told = choices.map(({ message }) => (message.tool_calls as Call[]).map((call) => call.function));
    expect(streamed).toEqual(told);
  });

  test('an answer that need not be a call is text, and calls of strict functions are valid', async () => {
    for (const tools of [TOOLS, STRICT]) {
      const asked = { ...common, tools, model: modelName(), max_tokens: 40, seed: 1, n: 2 };
      const { choices } = await client.chat.completions.create(asked);
      for (const { message, finish_reason } of choices) {
        if (message.tool_calls && finish_reason === 'tool_calls')
          checkCalls(message.tool_calls as Call[], ['weather', 'clock']);
        else expect(typeof message.content).toBe('string');
      }
    }
  });

  /** Of some answers, those that end by themselves: checked, and sorted by what they are. */
  async function answersBeside(type: 'json_schema' | 'json_object', likely: readonly number[]) {
    const json_schema = { name: 'mood', schema: MOOD };
    const response_format = type === 'json_object' ? { type } : { type, json_schema };
    const logit_bias = Object.fromEntries(likely.map((id) => [id, 100]));
    const asked = { ...common, tools: STRICT, model: modelName(), response_format, logit_bias, n: ANSWERS };
    const more = { temperature: 1.5, seed: 2, max_tokens: 300, parallel_tool_calls: false };
    const { choices } = await client.chat.completions.create({ ...asked, ...more });
    const whole = choices.filter(({ finish_reason }) => finish_reason !== 'length');
    const [calls, texts] = [true, false].map((isCall) =>
      whole.filter(({ message }) => (message.tool_calls !== undefined) === isCall),
    ) as [typeof whole, typeof whole];
    for (const { message, finish_reason } of calls) {
      expect([message.content, finish_reason]).toEqual([null, 'tool_calls']);
      checkCalls(message.tool_calls as Call[], ['weather', 'clock']);
    }
    for (const { message, finish_reason } of texts) {
      const schema = type === 'json_schema' ? MOOD : { type: 'object' };
      const isValid = ajv.validate(schema, JSON.parse(message.content ?? ''));
      expect([isValid, finish_reason, message.content]).toEqual([true, 'stop', message.content]);
    }
    return { calls: calls.length, texts: texts.length };
  }

  test('beside tools, an answer is calls, or text in the format that is asked for', async () => {
    expect((await answersBeside('json_schema', [])).texts).toBeGreaterThan(0);
    expect((await answersBeside('json_object', [])).texts).toBeGreaterThan(0);
    // What only calls begin with; no argument of these functions can hold it.
    const mark = { quote: '<', hermes: '<', mistral: '[TOOL_CALLS]', llama: 'n' }[kind] ?? '';
    const ids = engine.model.tokenizer.encode(mark).slice(-1);
    expect(await answersBeside('json_schema', ids)).toEqual({ calls: ANSWERS, texts: 0 });
    if (kind !== 'llama')
      expect(await answersBeside('json_object', ids)).toEqual({ calls: ANSWERS, texts: 0 });
  });

  test('a call that must come comes, whatever the format of text', async () => {
    const response_format = { type: 'json_object' as const };
    const asked = { ...common, model: modelName(), tool_choice: 'required' as const, response_format };
    const more = { seed: 3, parallel_tool_calls: false };
    const { choices } = await client.chat.completions.create({ ...asked, ...more });
    checkCalls((choices[0]?.message.tool_calls ?? []) as Call[], ['weather', 'clock']);
  });

  test('a call that is cut off keeps what it has, whole and streamed alike, and can be sent back', async () => {
    const named = { type: 'function' as const, function: { name: 'weather' } };
    const asked = { ...common, model: modelName(), tool_choice: named, seed: 5 };
    const [full] = (await client.chat.completions.create(asked)).choices;
    const text = (full?.message.tool_calls as Call[])[0]?.function.arguments ?? '';
    // A stop text that stands in the arguments and not in front of them.
    const stop = text.slice(9, 12);
    for (const [more, reason] of [
      [{ stop, max_tokens: 700 }, 'stop'],
      [{ max_tokens: 60 }, 'length'],
    ] as const) {
      const [choice] = (await client.chat.completions.create({ ...asked, ...more })).choices;
      expect(choice?.finish_reason).toBe(reason);
      const calls = (choice?.message.tool_calls ?? []) as Call[];
      const cut = calls[0]?.function.arguments ?? '';
      expect(text.startsWith(cut)).toBe(true);
      if (reason === 'stop') expect(cut).toBe(text.slice(0, text.indexOf(stop)));
      let streamed = '';
      const stream = { ...asked, ...more, stream: true as const };
      for await (const { choices } of await client.chat.completions.create(stream))
        streamed += choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '';
      expect(streamed).toBe(cut);
      const turns = [...messages, { role: 'assistant' as const, content: null, tool_calls: calls }];
      const next = { model: modelName(), tools: TOOLS, max_tokens: 1 };
      if (cut !== '')
        expect(
          (await client.chat.completions.create({ ...next, messages: turns as typeof messages })).choices,
        ).toHaveLength(1);
    }
  });

  test('earlier calls and their results are read', async () => {
    const call = {
      id: 'call12345',
      type: 'function' as const,
      function: { name: 'clock', arguments: '{"zone":"UTC"}' },
    };
    const turns = [
      ...messages,
      { role: 'assistant' as const, content: null, tool_calls: [call] },
      { role: 'tool' as const, tool_call_id: 'call12345', content: '12:00' },
    ];
    const { choices } = await client.chat.completions.create({
      ...common,
      messages: turns,
      model: modelName(),
      max_tokens: 5,
    });
    expect(choices).toHaveLength(1);
  });

  if (kind === KIND_OF_CLIENTS) {
    test('the AI SDK calls the function and goes on', async () => {
      const model = createOpenAICompatible({ name: 'kvr', baseURL: `${live.url}/v1` })(modelName());
      const clock = tool({
        inputSchema: jsonSchema<{ zone: string }>(CLOCK),
        execute: ({ zone }) => `noon in ${zone}`,
      });
      const asked = {
        model,
        messages,
        tools: { clock },
        toolChoice: 'required' as const,
        maxOutputTokens: 1500,
      };
      // Models that talk nonsense go on to sixteen calls; here one is enough.
      const providerOptions = { kvr: { parallel_tool_calls: false } };
      const { toolResults } = await generateText({ ...asked, providerOptions });
      expect(toolResults).toHaveLength(1);
      expect(toolResults[0]?.output).toMatch(/^noon in (UTC|CET)$/);
      const { toolCalls, fullStream } = streamText(asked);
      const pieces: { id: string; delta: string }[] = [];
      for await (const part of fullStream) if (part.type === 'tool-input-delta') pieces.push(part);
      const calls = await toolCalls;
      expect(calls[0]?.toolName).toBe('clock');
      for (const { toolCallId, input } of calls) {
        const own = pieces.filter(({ id }) => id === toolCallId).map(({ delta }) => delta);
        expect(own.length).toBeGreaterThan(2);
        expect(JSON.parse(own.join(''))).toEqual(input);
      }
    });

    test('the AI SDK has objects beside functions', async () => {
      const made = { name: 'kvr', baseURL: `${live.url}/v1`, supportsStructuredOutputs: true };
      const clock = tool({
        inputSchema: jsonSchema<{ zone: string }>(CLOCK),
        execute: ({ zone }) => zone,
        strict: true,
      });
      const asked = {
        ...{ model: createOpenAICompatible(made)(modelName()), messages, tools: { clock } },
        ...{ output: Output.object({ schema: jsonSchema<{ mood: string }>(MOOD) }), maxOutputTokens: 300 },
      };
      const kinds = new Set<string>();
      for (let seed = 0; seed < 6; seed++) {
        const result = await generateText({ ...asked, temperature: 1.5, seed });
        kinds.add(result.finishReason);
        if (result.finishReason === 'stop') expect(['glad', 'sad']).toContain(result.output.mood);
        for (const { output } of result.toolResults) expect(['UTC', 'CET']).toContain(output);
      }
      expect(kinds).toContain('stop');
    });
  }

  test.each<[what: string, more: object, param: string]>([
    [
      'a choice of none of them',
      { tool_choice: { type: 'function', function: { name: 'x' } } },
      'tool_choice',
    ],
    ['a choice without tools', { tools: [], tool_choice: 'required' }, 'tool_choice'],
    ['a word that is no choice', { tool_choice: 'maybe' }, 'tool_choice'],
    ['a name twice', { tools: [TOOLS[0], TOOLS[0]] }, 'tools'],
    ['a name that is none', { tools: [toolOf('a b', {})] }, 'tools.0.function.name'],
    ['a schema that is none', { tools: [toolOf('a', { type: 'x' }, true)] }, 'tools.a.parameters'],
    [
      'a recursive schema',
      { tools: [toolOf('a', { $ref: '#' })], tool_choice: 'required' },
      'tools.a.parameters',
    ],
    [
      'a format that is none beside them',
      {
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { uniqueItems: true } } },
      },
      'response_format.json_schema.schema',
    ],
    ['too many', { tools: Array.from({ length: 1025 }, (_, index) => toolOf(`f${index}`, {})) }, 'tools'],
    [
      'a call that is none',
      { messages: [{ role: 'assistant', content: null, tool_calls: [1] }] },
      'messages.0.tool_calls.0',
    ],
    [
      'a result of a call that was not made',
      { messages: [...messages, { role: 'tool', tool_call_id: 'call_1', content: 'x' }] },
      'messages.1.tool_call_id',
    ],
    ['a result of nothing', { messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.tool_call_id'],
  ])('%s is refused', async (_, more, param) => {
    const asked = { ...common, model: modelName(), ...more } as typeof common & { model: string };
    await expect(client.chat.completions.create(asked)).rejects.toMatchObject({ status: 400, param });
  });
});

test('a model whose template knows no tools is told of them in text, and held to the form of calls', async () => {
  const model = join(cacheDir, 'plain');
  await saveTalkingLlama(model, { template: body, layers: 1 });
  const engine = await Engine.load({ model, threads: 1, cacheDir, calibrate: false });
  const live = await liveServer(engine);
  const client = new OpenAI({ apiKey: 'x', baseURL: `${live.url}/v1`, maxRetries: 0 });
  const asked = { model: engine.model.name, messages, tools: TOOLS, max_tokens: 3 };
  const called = await client.chat.completions.create({ ...asked, tool_choice: 'required', max_tokens: 60 });
  const [call] = called.choices[0]?.message.tool_calls ?? [];
  const names = TOOLS.map((tool) => tool.function.name);
  expect(names).toContain(call?.type === 'function' ? call.function.name : undefined);
  const { choices } = await client.chat.completions.create({ ...asked, tool_choice: 'none' });
  expect(choices[0]?.message.tool_calls).toBeUndefined();
  await live.server.close();
  await engine.close();
});
