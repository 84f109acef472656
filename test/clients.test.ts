/**
 * The clients that people have, against a live server with the quote model on two workers: what they send and what
 * they make of the answers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { generateObject, generateText, jsonSchema, streamObject, streamText } from 'ai';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Engine } from '../src/engine/engine.js';
import { type LiveServer, liveServer } from './support/live-server.js';
import { until } from './support/until.js';

const KEY = 'a-key-for-tests';
const QUESTION = 'What is the door code of the lamp room? It is ';
const ANSWER = '4821, as it was last year.';
/** The model quotes: asked again, it answers again, and ends where the answer ended. */
const ASKED_BEFORE = [
  { role: 'user' as const, content: QUESTION },
  { role: 'assistant' as const, content: ANSWER },
  { role: 'user' as const, content: QUESTION },
];
/** Long enough for its prompt phase to be met half way. */
const LONG = [{ role: 'user' as const, content: 'All work and no play makes a dull log. '.repeat(200) }];

const CODE_SCHEMA = {
  type: 'object' as const,
  properties: { code: { type: 'string' as const, pattern: '^[0-9]{4}$' } },
  required: ['code'],
  additionalProperties: false,
};
const CODE_FORMAT = {
  type: 'json_schema' as const,
  json_schema: { name: 'code', strict: true, schema: CODE_SCHEMA },
};

let engine: Engine;
let live: LiveServer;
let cacheDir = '';

beforeAll(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), 'kvr-clients-'));
  engine = await Engine.load({ model: 'quote', workers: 2, threads: 1, cacheDir, calibrate: false });
  live = await liveServer(engine, { apiKey: KEY });
});

afterAll(async () => {
  await live.server.close();
  await engine.close();
  rmSync(cacheDir, { recursive: true, force: true });
});

/** How the newest request stands. */
async function newest(): Promise<{ status: string }> {
  const response = await fetch(`${live.url}/kvr/requests`, { headers: { authorization: `Bearer ${KEY}` } });
  const { requests } = (await response.json()) as { requests: { status: string }[] };
  return requests[0] ?? { status: 'none' };
}

describe('the openai client', () => {
  const openClient = (): OpenAI => new OpenAI({ apiKey: KEY, baseURL: `${live.url}/v1`, maxRetries: 0 });
  const common = { model: 'quote', temperature: 0 };

  test('chats', async () => {
    const answer = await openClient().chat.completions.create({ ...common, messages: ASKED_BEFORE });
    expect(answer.choices[0]).toMatchObject({
      message: { role: 'assistant', content: ANSWER },
      finish_reason: 'stop',
    });
    expect(answer.usage?.prompt_tokens).toBe(2 + 2 * QUESTION.length + ANSWER.length + 1);
    expect(answer.usage?.completion_tokens).toBe(ANSWER.length + 1);
  });

  test('streams, with usage', async () => {
    const stream = await openClient().chat.completions.create({
      ...common,
      messages: ASKED_BEFORE,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let total: number | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      total = chunk.usage?.total_tokens ?? total;
    }
    expect(text).toBe(ANSWER);
    expect(total).toBeGreaterThan(ANSWER.length);
  });

  test('stops before a stop text, and at max_completion_tokens', async () => {
    const chat = openClient().chat.completions;
    const stopped = await chat.create({ ...common, messages: ASKED_BEFORE, stop: ', as' });
    expect(stopped.choices[0]).toMatchObject({ message: { content: '4821' }, finish_reason: 'stop' });
    const cut = await chat.create({ ...common, messages: ASKED_BEFORE, max_completion_tokens: 2 });
    expect(cut.choices[0]).toMatchObject({ message: { content: '48' }, finish_reason: 'length' });
  });

  test('completes plain prompts', async () => {
    const prompt = `${QUESTION}${ANSWER}\n${QUESTION}`;
    const answer = await openClient().completions.create({ ...common, prompt, max_tokens: 4 });
    expect(answer.choices[0]?.text).toBe('4821');
  });

  test('the same seed gives the same answers, another one others', async () => {
    const ask = async (seed: number): Promise<string[]> => {
      const request = { ...common, temperature: 90, messages: ASKED_BEFORE, n: 2, max_tokens: 8, seed };
      const { choices } = await openClient().chat.completions.create(request);
      return choices.map(({ message }) => message.content ?? '');
    };
    const once = await ask(1);
    expect(once[0]).not.toBe(once[1]);
    expect(await ask(1)).toEqual(once);
    expect((await ask(2))[0]).toBe(once[1]);
  });

  test('tells probabilities, whole and streamed, in both endpoints', async () => {
    const client = openClient();
    const asked = { ...common, messages: ASKED_BEFORE, logprobs: true, top_logprobs: 2, max_tokens: 4 };
    const whole = (await client.chat.completions.create(asked)).choices[0]?.logprobs?.content ?? [];
    expect(whole.map(({ token }) => token)).toEqual(['4', '8', '2', '1']);
    expect(whole[0]?.bytes).toEqual([0x34]);
    expect(whole[0]?.logprob).toBeLessThanOrEqual(0);
    expect(whole[0]?.top_logprobs).toHaveLength(2);
    expect(whole[0]?.top_logprobs[0]).toMatchObject({ token: '4', logprob: whole[0]?.logprob });
    const streamed: string[] = [];
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
      streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []).map(({ token }) => token));
    expect(streamed).toEqual(['4', '8', '2', '1']);
    const prompt = `${QUESTION}${ANSWER}\n${QUESTION}`;
    const plain = await client.completions.create({ ...common, prompt, max_tokens: 4, logprobs: 1 });
    expect(plain.choices[0]?.logprobs).toMatchObject({
      tokens: ['4', '8', '2', '1'],
      text_offset: [0, 1, 2, 3],
    });
  });

  test('answers by a JSON schema, streamed and not, and with any JSON object', async () => {
    const client = openClient();
    const asked = { ...common, messages: ASKED_BEFORE, max_tokens: 400, response_format: CODE_FORMAT };
    const { choices } = await client.chat.completions.create(asked);
    expect(choices[0]?.finish_reason).toBe('stop');
    expect(JSON.parse(choices[0]?.message.content ?? '')).toEqual({
      code: expect.stringMatching(/^\d{4}$/) as unknown,
    });
    const parsed = await client.chat.completions.parse({
      ...asked,
      temperature: 5,
      seed: 3,
      n: 2,
      logprobs: true,
    });
    for (const { message } of parsed.choices)
      expect((JSON.parse(message.content ?? '') as { code: string }).code).toMatch(/^\d{4}$/);
    let streamed = '';
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
      streamed += chunk.choices[0]?.delta.content ?? '';
    expect(streamed).toBe(choices[0]?.message.content);
    const loose = { ...asked, max_tokens: 40, response_format: { type: 'json_object' as const } };
    const [object] = (await client.chat.completions.create(loose)).choices;
    expect(object?.message.content).toMatch(/^\{/);
    if (object?.finish_reason === 'stop') JSON.parse(object.message.content ?? '');
  });

  test('tells what is wrong with a schema, by its place', async () => {
    const json_schema = { name: 'x', schema: { properties: { a: { uniqueItems: true } } } };
    const asked = {
      ...common,
      messages: ASKED_BEFORE,
      response_format: { type: 'json_schema' as const, json_schema },
    };
    await expect(openClient().chat.completions.create(asked)).rejects.toMatchObject({
      status: 400,
      param: 'response_format.json_schema.schema',
      message: expect.stringContaining(
        '#/properties/a: the keyword "uniqueItems" is not supported',
      ) as unknown,
    });
  });

  test('honours bias and penalties', async () => {
    const chat = openClient().chat.completions;
    const asked = { ...common, messages: ASKED_BEFORE, max_tokens: 4 };
    // Bytes are this model's tokens.
    const biased = await chat.create({ ...asked, logit_bias: { 0x7a: 100 } });
    expect(biased.choices[0]?.message.content).toBe('zzzz');
    const both = { logit_bias: { 0x7a: 100, 0x79: 99 }, frequency_penalty: 2 };
    const penalized = await chat.create({ ...asked, ...both });
    // Which of the two comes when depends on the logits below; without the penalty it is one of them four times.
    expect(penalized.choices[0]?.message.content).toMatch(/^(?=.*z)(?=.*y)[zy]{4}$/);
  });

  test('lists the models', async () => {
    const { data } = await openClient().models.list();
    expect(data).toMatchObject([{ id: 'quote', object: 'model' }]);
    expect((await openClient().models.retrieve('quote')).id).toBe('quote');
  });

  test('knows our errors as its own', async () => {
    const { chat } = openClient();
    const messages = ASKED_BEFORE;
    const wrong = chat.completions.create({ ...common, messages, temperature: -1 });
    await expect(wrong).rejects.toThrow(OpenAI.BadRequestError);
    const tooLong = openClient().completions.create({ ...common, prompt: 'a'.repeat(40_000) });
    await expect(tooLong).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' });
    const stranger = new OpenAI({ apiKey: 'not-the-key', baseURL: `${live.url}/v1`, maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toThrow(OpenAI.AuthenticationError);
  });

  test('aborts in the middle of the prompt phase, and the next request is answered', async () => {
    const gone = new AbortController();
    const request = { ...common, messages: LONG, stream: true as const };
    const stream = await openClient().chat.completions.create(request, { signal: gone.signal });
    const read = (async () => {
      for await (const chunk of stream) void chunk;
    })();
    await until(async () => (await newest()).status === 'prefill', 'the prompt phase');
    gone.abort();
    await read.catch(() => undefined);
    await until(async () => (await newest()).status === 'cancelled', 'the cancel');
    const answer = await openClient().chat.completions.create({ ...common, messages: ASKED_BEFORE });
    expect(answer.choices[0]?.message.content).toBe(ANSWER);
  });
});

const CODE = z.object({ code: z.string().regex(/^[0-9]{4}$/) });

describe('the openai client, by /v1/responses', () => {
  const responses = () => new OpenAI({ apiKey: KEY, baseURL: `${live.url}/v1`, maxRetries: 0 }).responses;
  const common = { model: 'quote', temperature: 0, input: ASKED_BEFORE };

  test('answers, whole and streamed, and goes on', async () => {
    const whole = await responses().create(common);
    expect([whole.output_text, whole.status]).toEqual([ANSWER, 'completed']);
    const next = { previous_response_id: whole.id, input: QUESTION };
    const streamed = await responses()
      .stream({ ...common, ...next })
      .finalResponse();
    expect(streamed.output_text).toBe(ANSWER);
    expect(streamed.usage?.input_tokens).toBeGreaterThan(whole.usage?.input_tokens ?? Infinity);
  });

  test('answers by a schema of zod, and with probabilities, whole and streamed', async () => {
    const text = { format: zodTextFormat(CODE, 'code') };
    const { output_parsed: parsed } = await responses().parse({ ...common, temperature: 5, text });
    expect(parsed?.code).toMatch(/^\d{4}$/);
    const asked = { ...common, include: ['message.output_text.logprobs' as const], top_logprobs: 1 };
    const cut = { ...asked, max_output_tokens: 4 };
    const stream = responses().stream(cut);
    const told: string[] = [];
    stream.on('response.output_text.delta', ({ logprobs }) =>
      told.push(...logprobs.map(({ token }) => token)),
    );
    const ends = [await responses().create(cut), await stream.finalResponse()];
    for (const { output, status } of ends) {
      const [message] = output;
      const [part] = message?.type === 'message' ? message.content : [];
      const tokens = part?.type === 'output_text' ? part.logprobs : [];
      expect([status, tokens?.map(({ token }) => token)]).toEqual(['incomplete', ['4', '8', '2', '1']]);
    }
    expect(told).toEqual(['4', '8', '2', '1']);
  });
});

describe('the anthropic client', () => {
  const messages = () => new Anthropic({ apiKey: KEY, baseURL: live.url, maxRetries: 0 }).messages;
  const common = { model: 'quote', max_tokens: 400, temperature: 0, messages: ASKED_BEFORE };
  const textOf = ({ content: [block] }: Anthropic.Message) => (block?.type === 'text' ? block.text : '');

  test('answers, whole and streamed', async () => {
    const whole = await messages().create(common);
    expect([textOf(whole), whole.stop_reason]).toEqual([ANSWER, 'end_turn']);
    const streamed = await messages().stream(common).finalMessage();
    expect([textOf(streamed), streamed.stop_reason]).toEqual([ANSWER, 'end_turn']);
    expect(streamed.usage.output_tokens).toBe(ANSWER.length + 1);
  });

  test('stops before the stop text that it names, and goes on where a message ends', async () => {
    const stopped = await messages().create({ ...common, stop_sequences: ['never', ', as'] });
    expect([textOf(stopped), stopped.stop_reason, stopped.stop_sequence]).toEqual([
      '4821',
      'stop_sequence',
      ', as',
    ]);
    const begun = [...ASKED_BEFORE, { role: 'assistant' as const, content: '48' }];
    expect(textOf(await messages().create({ ...common, messages: begun }))).toBe(ANSWER.slice(2));
  });

  test('answers by a schema of zod, and must call a tool', async () => {
    // This client keeps patterns to itself.
    const output_config = { format: zodOutputFormat(z.object({ code: z.enum(['1234', '4567']) })) };
    const { parsed_output: parsed } = await messages().parse({ ...common, temperature: 5, output_config });
    expect(['1234', '4567']).toContain(parsed?.code);
    const tools = [{ name: 'open', input_schema: CODE_SCHEMA }];
    const called = await messages().create({ ...common, tools, tool_choice: { type: 'tool', name: 'open' } });
    expect(called.stop_reason).toBe('tool_use');
    const [call] = called.content;
    expect(CODE.parse(call?.type === 'tool_use' ? call.input : undefined).code).toMatch(/^\d{4}$/);
  });
});

describe('the AI SDK', () => {
  const openModel = () =>
    createOpenAICompatible({
      ...{ name: 'kvr', baseURL: `${live.url}/v1`, apiKey: KEY },
      ...{ includeUsage: true, supportsStructuredOutputs: true },
    })('quote');

  test('generates text', async () => {
    const { text, usage, finishReason } = await generateText({
      model: openModel(),
      messages: ASKED_BEFORE,
      temperature: 0,
    });
    expect(text).toBe(ANSWER);
    expect(finishReason).toBe('stop');
    expect(usage.outputTokens).toBe(ANSWER.length + 1);
  });

  test('streams text', async () => {
    const { textStream, usage } = streamText({ model: openModel(), messages: ASKED_BEFORE, temperature: 0 });
    let text = '';
    for await (const piece of textStream) text += piece;
    expect(text).toBe(ANSWER);
    expect((await usage).outputTokens).toBe(ANSWER.length + 1);
  });

  test('generates and streams objects by a schema', async () => {
    const asked = {
      model: openModel(),
      messages: ASKED_BEFORE,
      schema: jsonSchema<{ code: string }>(CODE_SCHEMA),
      maxOutputTokens: 400,
    };
    expect((await generateObject({ ...asked, temperature: 2, seed: 1 })).object.code).toMatch(/^\d{4}$/);
    const { object, partialObjectStream } = streamObject({ ...asked, temperature: 0 });
    for await (const partial of partialObjectStream) void partial;
    expect((await object).code).toMatch(/^\d{4}$/);
  });

  test('aborts', async () => {
    const gone = new AbortController();
    const answer = generateText({
      model: openModel(),
      messages: LONG,
      abortSignal: gone.signal,
      maxRetries: 0,
    });
    await until(async () => (await newest()).status === 'prefill', 'the prompt phase');
    gone.abort();
    await expect(answer).rejects.toThrow();
    await until(async () => (await newest()).status === 'cancelled', 'the cancel');
  });
});
