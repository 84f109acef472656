/**
 * /v1/responses as OpenAI's client and the AI SDK use it, against a live server whose model follows a script.
 */
import { createOpenAI } from '@ai-sdk/openai';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import type { Responses } from 'openai/resources';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { KvrError } from '../src/core/errors.js';
import { eventsOf as eventsOfText, type LiveServer, liveServer, post } from './support/live-server.js';
import { asksTwice, CUT, type Says, scriptedEngine, type Told, WAITS } from './support/scripted-engine.js';
import { until } from './support/until.js';

const KEY = 'a-key-for-tests';
const WEATHER = {
  type: 'function' as const,
  name: 'weather',
  description: 'Of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: false,
};
const HOT = z.object({ city: z.string(), degrees: z.number() });

let live: LiveServer;
let says: Says;
let told: Told[];
beforeAll(async () => {
  const engine = scriptedEngine((one) => {
    told.push(one);
    return says(one);
  });
  live = await liveServer(engine, { apiKey: KEY });
});
afterAll(() => live.server.close());
beforeEach(() => {
  told = [];
  says = () => 'Fine.';
});

const client = () => new OpenAI({ apiKey: KEY, baseURL: `${live.url}/v1`, maxRetries: 0 });
const responses = () => client().responses;
const lastTold = () => told.at(-1)?.messages;
const weather = (city: string) => (city === 'Oslo' ? '3' : '21');
const isIdle = async () =>
  ((await (await fetch(`${live.url}/readyz`)).json()) as { running: number }).running === 0;
const headers = { authorization: `Bearer ${KEY}` };

/** All events of a stream; their numbers have no gap. */
async function eventsOf(body: Omit<Responses.ResponseCreateParamsStreaming, 'stream'>) {
  const events: Responses.ResponseStreamEvent[] = [];
  for await (const event of await responses().create({ ...body, stream: true })) events.push(event);
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
  return events;
}

const callsOf = ({ output }: Pick<Responses.Response, 'output'>) =>
  output.filter((item) => item.type === 'function_call');
const outputsOf = (response: Pick<Responses.Response, 'output'>) =>
  callsOf(response).map((call) => ({
    type: 'function_call_output' as const,
    call_id: call.call_id,
    output: weather((JSON.parse(call.arguments) as { city: string }).city),
  }));

test('a text is answered by one', async () => {
  const { response, data } = await responses()
    .create({ input: 'How are you?', instructions: 'Be short.', metadata: { a: 'b' }, max_output_tokens: 9 })
    .withResponse();
  expect(lastTold()).toEqual([
    { role: 'system', content: 'Be short.' },
    { role: 'user', content: 'How are you?' },
  ]);
  expect(told[0]?.request.maxTokens).toBe(9);
  expect(response.headers.get('x-kvr-ignored')).toBeNull();
  expect(data).toMatchObject({
    ...{ object: 'response', status: 'completed', model: 'stand-in', output_text: 'Fine.', error: null },
    ...{ instructions: 'Be short.', metadata: { a: 'b' }, max_output_tokens: 9, incomplete_details: null },
    output: [{ type: 'message', role: 'assistant', status: 'completed', content: [{ text: 'Fine.' }] }],
    usage: { input_tokens_details: { cached_tokens: 1 }, output_tokens: 6 },
  });
  expect(data.usage?.total_tokens).toBe((data.usage?.input_tokens ?? 0) + 6);
});

test('a stream tells of every item and part, and ends in the response that is kept', async () => {
  says = asksTwice;
  const events = await eventsOf({ input: 'Where?', tools: [WEATHER] });
  const deltas = /\.delta$/;
  expect(events.map(({ type }) => type).filter((type, at, all) => !deltas.test(type) || all[at - 1] !== type)).toEqual([
    ...['response.created', 'response.in_progress'],
    ...['response.output_item.added', 'response.content_part.added', 'response.reasoning_text.delta'],
    ...['response.reasoning_text.done', 'response.content_part.done', 'response.output_item.done'],
    ...['response.output_item.added', 'response.content_part.added', 'response.output_text.delta'],
    ...['response.output_text.done', 'response.content_part.done', 'response.output_item.done'],
    ...['response.output_item.added', 'response.function_call_arguments.delta'],
    ...['response.function_call_arguments.done', 'response.output_item.done', 'response.completed'],
  ]); // prettier-ignore
  const last = events.at(-1);
  if (last?.type !== 'response.completed') throw new Error('no end');
  expect(last.response.output).toMatchObject([
    { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'where first' }] },
    { type: 'message', content: [{ text: 'I look.' }] },
    { type: 'function_call', name: 'weather', arguments: '{"city":"Oslo"}', status: 'completed' },
  ]);
  expect(await responses().retrieve(last.response.id)).toMatchObject({ output: last.response.output });
});

test('the client puts a stream together as the server does', async () => {
  says = asksTwice;
  const stream = responses().stream({ input: 'Where?', tools: [WEATHER], reasoning: { summary: 'auto' } });
  const final = await stream.finalResponse();
  expect(final.output_text).toBe('I look.');
  expect(final.output).toMatchObject([
    { type: 'reasoning', summary: [{ type: 'summary_text', text: 'where first' }] },
    { type: 'message' },
    { type: 'function_call' },
  ]);
  expect(final.usage?.output_tokens_details.reasoning_tokens).toBe('<think>where first</think>'.length);
});

test('tools in three turns, each going on from the one before', async () => {
  says = asksTwice;
  const first = await responses().create({ input: 'Where is it warm?', tools: [WEATHER] });
  const goOn = async (previous: Responses.Response) =>
    responses().create({
      ...{ previous_response_id: previous.id, input: outputsOf(previous), tools: [WEATHER] },
    });
  const third = await goOn(await goOn(first));
  expect(third.output_text).toBe('Oslo 3, Rome 21');
  const call = (city: string) => ({ function: { name: 'weather', arguments: { city } } });
  expect(lastTold()).toMatchObject([
    { role: 'user', content: 'Where is it warm?' },
    { role: 'assistant', content: 'I look.', reasoning_content: 'where first', tool_calls: [call('Oslo')] },
    { role: 'tool', content: '3' },
    { role: 'assistant', content: '', tool_calls: [call('Rome')] },
    { role: 'tool', content: '21' },
  ]);
});

test('the same, streamed, by a client that keeps the items itself', async () => {
  says = asksTwice;
  const items: Responses.ResponseInputItem[] = [
    { role: 'user', content: [{ type: 'input_text', text: 'Where?' }] },
  ];
  for (let turn = 0; turn < 3; turn++) {
    const stream = responses().stream({ input: items, tools: [WEATHER], store: false });
    const { output, id } = await stream.finalResponse();
    items.push(...(output as Responses.ResponseInputItem[]), ...outputsOf({ output }));
    await expect(responses().retrieve(id)).rejects.toMatchObject({ status: 404 });
  }
  expect(items.at(-1)).toMatchObject({ content: [{ text: 'Oslo 3, Rome 21' }] });
  expect(lastTold()?.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'tool']);
});

test('thinking goes through a client that keeps nothing here and does not read it', async () => {
  says = asksTwice;
  const asked = { store: false, include: ['reasoning.encrypted_content' as const], tools: [WEATHER] };
  const { output } = await responses().create({ input: 'Where?', ...asked });
  const items = (output as Responses.ResponseInputItem[]).map((item) =>
    item.type === 'reasoning' ? { ...item, content: [] } : item,
  );
  await responses().create({ input: [...items, ...outputsOf({ output })], ...asked });
  expect(lastTold()?.[0]).toMatchObject({ reasoning_content: 'where first' });
});

test('what is kept can be listed and removed', async () => {
  const { id, output } = await responses().create({ input: [{ role: 'user', content: 'a' }, { role: 'user', content: 'b' }] }); // prettier-ignore
  const { data } = await responses().inputItems.list(id);
  expect(data).toMatchObject([{ content: [{ text: 'b' }] }, { content: [{ text: 'a' }] }]);
  const page = await responses().inputItems.list(id, { order: 'asc', limit: 1 });
  expect([page.data.length, page.has_more]).toEqual([1, true]);
  const reference = { type: 'item_reference' as const, id: output[0]?.id ?? '' };
  await responses().create({ input: [reference, { role: 'user', content: 'and?' }] });
  expect(lastTold()).toMatchObject([{ role: 'assistant', content: 'Fine.' }, { content: 'and?' }]);
  await responses().delete(id);
  await expect(responses().retrieve(id)).rejects.toMatchObject({ status: 404 });
  const gone = responses().create({ input: [reference] });
  await expect(gone).rejects.toMatchObject({ status: 404, param: 'input.0.id' });
  const lost = responses().create({ previous_response_id: id, input: 'x' });
  await expect(lost).rejects.toMatchObject({ status: 404, param: 'previous_response_id' });
});

test('one in the background is answered as it begins, and asked for later', async () => {
  const { id, status } = await responses().create({ input: 'a', background: true });
  expect(status).toBe('queued');
  await until(async () => (await responses().retrieve(id)).status === 'completed', 'its end');
  expect((await responses().retrieve(id)).output).toMatchObject([{ content: [{ text: 'Fine.' }] }]);
});

test('one that runs can be cancelled, and is kept as it was', async () => {
  says = () => WAITS;
  const { id } = await responses().create({ input: 'a', background: true });
  await until(async () => (await responses().retrieve(id)).status === 'in_progress', 'its begin');
  await expect(responses().delete(id)).rejects.toMatchObject({ status: 400 });
  expect(await responses().cancel(id)).toMatchObject({ id, status: 'cancelled', error: null });
  expect(await responses().cancel(id)).toMatchObject({ id, status: 'cancelled' });
  expect(await isIdle()).toBe(true);
});

test('a client that leaves ends its stream', async () => {
  says = () => WAITS;
  const gone = new AbortController();
  const stream = await responses().create({ input: 'a', stream: true }, { signal: gone.signal });
  const read = (async () => {
    for await (const event of stream) void event;
  })();
  gone.abort();
  await read.catch(() => undefined);
  await until(isIdle, 'the end');
});

test('an answer that is cut is incomplete', async () => {
  says = () => `Fi${CUT}`;
  const cut = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
  expect(await responses().create({ input: 'a' })).toMatchObject({
    ...cut,
    output: [{ status: 'incomplete' }],
  });
  const events = await eventsOf({ input: 'a' });
  expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: cut });
});

test('a failure ends a stream that has begun, and is the status of one that has not', async () => {
  says = () => {
    throw new KvrError('WORKER_DIED', 'gone');
  };
  await expect(responses().create({ input: 'a' })).rejects.toMatchObject({
    status: 503,
    code: 'worker_died',
  });
  await expect(responses().create({ input: 'a', stream: true })).rejects.toMatchObject({ status: 503 });
});

test('a stream that fails later ends in a response that failed', async () => {
  const own = await liveServer(
    scriptedEngine(() => WAITS),
    { drainMs: 1 },
  );
  const response = await post(`${own.url}/v1/responses`, { input: 'a', stream: true });
  const closed = own.server.close();
  const { data } = eventsOfText(await response.text());
  await closed;
  const failed = { status: 'failed', error: { code: 'closed' }, output: [] };
  expect(data.at(-1)).toMatchObject({ type: 'response.failed', sequence_number: 2, response: failed });
});

test('answers are held to a schema of zod', async () => {
  says = () => '{"city":"Oslo","degrees":3}';
  const format = zodTextFormat(HOT, 'hot');
  const { output_parsed: parsed } = await responses().parse({ input: 'a', text: { format } });
  expect(parsed).toEqual({ city: 'Oslo', degrees: 3 });
  expect(told[0]?.request.grammar).toBeDefined();
});

test.each<[ignored: string, body: object]>([
  ['tools.0.web_search', { tools: [{ type: 'web_search' }, WEATHER] }],
  ['input.0.web_search_call', { input: [{ type: 'web_search_call', id: 'a' }, { role: 'user', content: 'a' }] }],
  ['tool_choice', { tool_choice: { type: 'file_search' } }],
  ['include.file_search_call.results', { include: ['file_search_call.results'] }],
  ['truncation, prompt_cache_key', { truncation: 'auto', prompt_cache_key: 'a' }],
  ['tools.0.function.x', { tools: [{ type: 'web_search' }, { ...WEATHER, x: 1 }] }],
])('%s is ignored by name', async (ignored, body) => {
  const response = await post(`${live.url}/v1/responses`, { input: 'a', ...body }, headers);
  expect(response.status).toBe(200);
  expect(response.headers.get('x-kvr-ignored')).toContain(ignored.replace('tools.0.function.x', 'tools.1.x'));
}); // prettier-ignore

test.each<[param: string, body: object]>([
  ['input', { input: undefined }],
  ['input.1.content.0.type', { input: [{ role: 'user', content: 'a' }, { role: 'user', content: [{ type: 'input_image' }] }] }],
  ['input.0.role', { input: [{ role: 'robot', content: 'a' }] }],
  ['input.0.type', { input: [{ type: 'compaction' }] }],
  ['input.1.call_id', { input: [{ role: 'user', content: 'a' }, { type: 'function_call_output', call_id: 'x', output: '1' }] }],
  ['input.0.arguments', { input: [{ type: 'function_call', call_id: 'x', name: 'f' }] }],
  ['max_output_tokens', { max_output_tokens: -5 }],
  ['tools.1.name', { tools: [{ type: 'web_search' }, { ...WEATHER, name: 'not a name' }] }],
  ['text.format.schema', { text: { format: { type: 'json_schema', name: 'x', schema: { type: 'nothing' } } } }],
  ['text.verbosity', { text: { verbosity: 'high' } }],
  ['conversation', { conversation: 'c' }],
  ['prompt', { prompt: { id: 'p' } }],
  ['background', { background: true, store: false }],
  ['temperature', { temperature: -1 }],
])('%s is refused under the name the client knows', async (param, body) => {
  const response = await post(`${live.url}/v1/responses`, { input: 'a', ...body }, headers);
  expect(await response.json()).toMatchObject({ error: { param, message: expect.stringContaining(param) as unknown } });
  expect(response.status).toBe(400);
}); // prettier-ignore

test('another method is told which there are', async () => {
  const response = await fetch(`${live.url}/v1/responses/resp_x`, { method: 'PATCH', headers });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, DELETE']);
});

/** Its default API is this one. */
const aiModel = () => createOpenAI({ apiKey: KEY, baseURL: `${live.url}/v1` })('stand-in');
const aiTools = {
  weather: tool({
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => weather(city),
  }),
};

test('the AI SDK calls tools in three turns, whole and streamed', async () => {
  says = asksTwice;
  const asked = { model: aiModel(), prompt: 'Where is it warm?', tools: aiTools, stopWhen: stepCountIs(4) };
  const whole = await generateText(asked);
  expect([whole.text, whole.steps.length]).toEqual(['Oslo 3, Rome 21', 3]);
  const streamed = streamText(asked);
  let text = '';
  for await (const piece of streamed.textStream) text += piece;
  expect([text, (await streamed.steps).length]).toEqual(['I look.Oslo 3, Rome 21', 3]);
  expect(lastTold()?.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'tool']);
});

test('the AI SDK gets objects by a schema of zod, and the thinking before an answer', async () => {
  says = () => '{"city":"Oslo","degrees":3}';
  const asked = { model: aiModel(), prompt: 'a' };
  expect((await generateObject({ ...asked, schema: HOT })).object.degrees).toBe(3);
  says = () => '<think>why</think>So.';
  const openai = { reasoningSummary: 'auto', forceReasoning: true };
  const { reasoningText, text } = await generateText({ ...asked, providerOptions: { openai } });
  expect([reasoningText, text]).toEqual(['why', 'So.']);
  const streamed = streamText({ ...asked, providerOptions: { openai } });
  await streamed.consumeStream();
  expect([await streamed.reasoningText, await streamed.text]).toEqual(['why', 'So.']);
});

test('the AI SDK aborts', async () => {
  says = () => WAITS;
  const gone = new AbortController();
  const answer = generateText({ model: aiModel(), prompt: 'a', abortSignal: gone.signal, maxRetries: 0 });
  await until(() => told.length > 0, 'its begin');
  gone.abort();
  await expect(answer).rejects.toThrow();
  await until(isIdle, 'the end');
});
