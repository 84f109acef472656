/**
 * /v1/messages as Anthropic's client and the AI SDK use it, against a live server whose model follows a script.
 */
import { createAnthropic } from '@ai-sdk/anthropic';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { KvrError } from '../src/core/errors.js';
import { eventsOf, type LiveServer, liveServer, post } from './support/live-server.js';
import { asksTwice, CUT, type Says, scriptedEngine, type Told, WAITS } from './support/scripted-engine.js';
import { until } from './support/until.js';

const KEY = 'a-key-for-tests';
const WEATHER: Anthropic.Tool = {
  name: 'weather',
  description: 'Of a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
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

const client = () => new Anthropic({ apiKey: KEY, baseURL: live.url, maxRetries: 0 });
const messages = () => client().messages;
const lastTold = () => told.at(-1)?.messages;
const weather = (city: string) => (city === 'Oslo' ? '3' : '21');
const headers = { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' };
const asked = { model: 'any', max_tokens: 900 };
const user = (content: Anthropic.MessageParam['content']) => ({ role: 'user' as const, content });
const QUESTION = [user('Where is it warm?')];
const isIdle = async () =>
  ((await (await fetch(`${live.url}/readyz`)).json()) as { running: number }).running === 0;

const resultsOf = ({ content }: Anthropic.Message) =>
  content
    .filter((block) => block.type === 'tool_use')
    .map(({ id, input }) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: weather((input as { city: string }).city),
    }));

test('a text is answered by one', async () => {
  const answer = await messages().create({ ...asked, system: 'Be short.', messages: [user('How are you?')] });
  expect(lastTold()).toEqual([
    { role: 'system', content: 'Be short.' },
    { role: 'user', content: 'How are you?' },
  ]);
  expect(answer).toMatchObject({
    ...{
      type: 'message',
      role: 'assistant',
      model: 'stand-in',
      stop_reason: 'end_turn',
      stop_sequence: null,
    },
    content: [{ type: 'text', text: 'Fine.' }],
    usage: { cache_read_input_tokens: 1, output_tokens: 6 },
  });
  const { input_tokens: all } = await messages().countTokens({
    ...{ model: 'any', system: 'Be short.', messages: [user('How are you?')] },
  });
  // What the cache held is counted apart.
  expect(answer.usage.input_tokens).toBe(all - 1);
});

test('blocks become what a template knows', async () => {
  const cached = { cache_control: { type: 'ephemeral' as const } };
  const use = { type: 'tool_use' as const, id: 'a', name: 'weather', input: { city: 'Oslo' } };
  const results: Anthropic.ToolResultBlockParam[] = [
    { type: 'tool_result', tool_use_id: 'a', is_error: true, content: [{ type: 'text', text: 'no wind' }] },
    { type: 'tool_result', tool_use_id: 'b' },
  ];
  const { response } = await messages()
    .create({
      ...{ ...asked, tools: [WEATHER] },
      system: [{ type: 'text', text: 'One.', ...cached }, { type: 'text', text: 'Two.' }],
      messages: [
        user('Hi'),
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'why', signature: 'x' },
            { type: 'redacted_thinking', data: 'x' },
            { type: 'text', text: 'I look.' },
            use,
            { ...use, id: 'b' },
          ],
        },
        user([...results, { type: 'text', text: 'And?' }]),
      ],
    })
    .withResponse(); // prettier-ignore
  const call = { type: 'function', function: { name: 'weather', arguments: { city: 'Oslo' } } };
  expect(lastTold()).toEqual([
    { role: 'system', content: 'One.\nTwo.' },
    { role: 'user', content: 'Hi' },
    ...[{ role: 'assistant', content: 'I look.', reasoning_content: 'why', tool_calls: [{ id: 'a', ...call }, { id: 'b', ...call }] }],
    { role: 'tool', name: 'weather', content: 'Error: no wind', tool_call_id: 'a' },
    { role: 'tool', name: 'weather', content: '', tool_call_id: 'b' },
    { role: 'user', content: 'And?' },
  ]); // prettier-ignore
  expect(response.headers.get('x-kvr-ignored')).toBe(
    'system.0.cache_control, messages.1.content.1.redacted_thinking',
  );
});

test('a stream tells of every block, and the client puts it together', async () => {
  says = asksTwice;
  const stream = messages().stream({ ...asked, messages: QUESTION, tools: [WEATHER] });
  const seen: string[] = [];
  stream.on('streamEvent', (event) => {
    const type = event.type === 'content_block_delta' ? event.delta.type : event.type;
    if (seen.at(-1) !== type) seen.push(type);
  });
  const final = await stream.finalMessage();
  expect(final).toMatchObject({
    stop_reason: 'tool_use',
    content: [
      { type: 'thinking', thinking: 'where first', signature: 'unsigned' },
      { type: 'text', text: 'I look.' },
      { type: 'tool_use', name: 'weather', input: { city: 'Oslo' } },
    ],
    usage: { cache_read_input_tokens: 1 },
  });
  expect(final.usage.output_tokens).toBeGreaterThan(6);
  expect(seen).toEqual([
    'message_start',
    ...['content_block_start', 'thinking_delta', 'signature_delta', 'content_block_stop'],
    ...['content_block_start', 'text_delta', 'content_block_stop'],
    ...['content_block_start', 'input_json_delta', 'content_block_stop'],
    ...['message_delta', 'message_stop'],
  ]);
});

test.each(['whole', 'streamed'])('tools in three turns, %s', async (how) => {
  says = asksTwice;
  const said: Anthropic.MessageParam[] = [...QUESTION];
  const ask = { ...asked, messages: said, tools: [WEATHER], tool_choice: { type: 'auto' as const } };
  for (let turn = 0; turn < 3; turn++) {
    const answer =
      how === 'whole' ? await messages().create(ask) : await messages().stream(ask).finalMessage();
    said.push({ role: 'assistant', content: answer.content }, user(resultsOf(answer)));
  }
  expect(said.at(-2)?.content).toMatchObject([{ type: 'text', text: 'Oslo 3, Rome 21' }]);
  expect(lastTold()?.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'tool']);
  expect(lastTold()?.[1]).toMatchObject({ content: 'I look.', reasoning_content: 'where first' });
});

test.each<[choice: Anthropic.ToolChoice, shown: number | undefined, isHeld: boolean]>([
  [{ type: 'auto' }, 1, false],
  [{ type: 'auto', disable_parallel_tool_use: true }, 1, true],
  [{ type: 'any' }, 1, true],
  [{ type: 'tool', name: 'weather' }, 1, true],
  [{ type: 'none' }, undefined, false],
])('the choice of tools %j is kept', async (tool_choice, shown, isHeld) => {
  await messages().create({ ...asked, messages: QUESTION, tools: [WEATHER], tool_choice });
  expect([told[0]?.tools?.length, told[0]?.request.grammar !== undefined]).toEqual([shown, isHeld]);
});

test('an answer goes on where the last message ends', async () => {
  await messages().create({ ...asked, messages: [...QUESTION, { role: 'assistant', content: 'In' }] });
  expect(lastTold()?.at(-1)).toEqual({ role: 'assistant', content: 'In' });
});

test('thinking can be asked for, and for none', async () => {
  await messages().create({
    ...asked,
    messages: QUESTION,
    thinking: { type: 'enabled', budget_tokens: 1024 },
  });
  await messages().create({ ...asked, messages: QUESTION, thinking: { type: 'disabled' } });
  expect(told.map(({ args }) => args?.['enable_thinking'])).toEqual([true, false]);
});

test('an answer that is cut says so', async () => {
  says = () => `Fi${CUT}`;
  expect((await messages().create({ ...asked, messages: QUESTION })).stop_reason).toBe('max_tokens');
});

test('answers are held to a schema of zod', async () => {
  says = () => '{"city":"Oslo","degrees":3}';
  const output_config = { format: zodOutputFormat(HOT) };
  const { parsed_output: parsed } = await messages().parse({ ...asked, messages: QUESTION, output_config });
  expect(parsed).toEqual({ city: 'Oslo', degrees: 3 });
  expect(told[0]?.request.grammar).toBeDefined();
});

test('a client that leaves ends its stream', async () => {
  says = () => WAITS;
  const stream = messages().stream({ ...asked, messages: QUESTION });
  await new Promise((resolve) => stream.once('streamEvent', resolve));
  stream.abort();
  await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
  await until(isIdle, 'the end');
});

test('errors are those that the client knows', async () => {
  says = () => {
    throw new KvrError('WORKER_DIED', 'gone');
  };
  const failed = messages().create({ ...asked, messages: QUESTION });
  await expect(failed).rejects.toMatchObject({ status: 503, type: 'overloaded_error' });
  const wrong = new Anthropic({ apiKey: 'wrong-key', baseURL: live.url, maxRetries: 0 });
  await expect(wrong.messages.create({ ...asked, messages: QUESTION })).rejects.toThrow(
    Anthropic.AuthenticationError,
  );
  const byBearer = await post(`${live.url}/v1/messages/count_tokens`, { messages: QUESTION }, { authorization: `Bearer ${KEY}` }); // prettier-ignore
  expect(byBearer.status).toBe(200);
  const got = await fetch(`${live.url}/v1/messages`, { headers });
  expect([got.status, await got.json()]).toMatchObject([405, { type: 'error', error: { type: 'invalid_request_error' } }]); // prettier-ignore
});

test('a stream that fails ends with an error event', async () => {
  const own = await liveServer(
    scriptedEngine(() => WAITS),
    { drainMs: 1 },
  );
  const response = await post(`${own.url}/v1/messages`, { ...asked, messages: QUESTION, stream: true });
  const closed = own.server.close();
  const { data } = eventsOf(await response.text());
  await closed;
  expect(data.at(0)).toMatchObject({ type: 'message_start', message: { usage: { output_tokens: 0 } } });
  expect(data.at(-1)).toMatchObject({ type: 'error', error: { type: 'overloaded_error', retryable: true } });
});

test.each<[ignored: string, body: object]>([
  ['tools.0.web_search_20250305', { tools: [{ type: 'web_search_20250305', name: 'web_search' }, WEATHER] }],
  ['tools.0.x', { tools: [{ ...WEATHER, x: 1 }] }],
  ['messages.0.content.0.web_search_tool_result', { messages: [user([{ type: 'web_search_tool_result' }, { type: 'text', text: 'a' }] as never)] }],
  ['mcp_servers', { mcp_servers: [{ type: 'url' }] }],
  ['metadata.x', { metadata: { x: 1, user_id: 'u' } }],
  ['service_tier', { service_tier: 'auto' }],
])('%s is ignored by name', async (ignored, body) => {
  const response = await post(`${live.url}/v1/messages`, { ...asked, messages: QUESTION, ...body }, headers);
  expect([response.status, response.headers.get('x-kvr-ignored')]).toEqual([200, ignored]);
}); // prettier-ignore

const result = { type: 'tool_result', tool_use_id: 'x', content: '' };
test.each<[param: string, body: object]>([
  ['messages', { messages: [] }],
  ['messages.0.role', { messages: [{ role: 'tool', content: 'a' }] }],
  ['messages.0.content', { messages: [{ role: 'user', content: 5 }] }],
  ['messages.0.content.0.type', { messages: [user([{ type: 'image' }] as never)] }],
  ['messages.0.content.0.tool_use_id', { messages: [user([result] as never)] }],
  ['messages.0.content.0.content.0.type', { messages: [user([{ ...result, content: [{ type: 'image' }] }] as never)] }],
  ['messages.1.content.0.name', { messages: [user('a'), { role: 'assistant', content: [{ type: 'tool_use', id: 'a', input: {} }] }] }],
  ['tools.0.name', { tools: [{ ...WEATHER, name: 'not a name' }] }],
  ['tools.0.input_schema', { tools: [{ ...WEATHER, input_schema: 'none' }] }],
  ['tool_choice', { tool_choice: { type: 'tool', name: 'f' }, tools: [WEATHER] }],
  ['stop_sequences', { stop_sequences: Array(17).fill('x') }],
  ['output_config.format.schema', { output_config: { format: { type: 'json_schema', schema: { type: 'nothing' } } } }],
  ['temperature', { temperature: -1 }],
  ['max_tokens', { max_tokens: -5 }],
])('%s is refused under the name the client knows', async (param, body) => {
  const response = await post(`${live.url}/v1/messages`, { ...asked, messages: QUESTION, ...body }, headers);
  expect(await response.json()).toMatchObject({
    type: 'error',
    error: { type: 'invalid_request_error', param, message: expect.stringContaining(param) as unknown },
  });
  expect(response.status).toBe(400);
}); // prettier-ignore

test('the model is listed as that client reads it', async () => {
  const { data } = await client().models.list();
  expect(data).toMatchObject([{ id: 'stand-in', type: 'model', display_name: 'stand-in' }]);
});

const aiModel = () => createAnthropic({ apiKey: KEY, baseURL: `${live.url}/v1` })('stand-in');
const aiTools = {
  weather: tool({
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => weather(city),
  }),
};

test('the AI SDK calls tools in three turns, whole and streamed', async () => {
  says = asksTwice;
  const ask = {
    ...{ model: aiModel(), prompt: 'Where is it warm?', maxOutputTokens: 900 },
    ...{ tools: aiTools, stopWhen: stepCountIs(4) },
  };
  const whole = await generateText(ask);
  expect([whole.text, whole.steps.length]).toEqual(['Oslo 3, Rome 21', 3]);
  const streamed = streamText(ask);
  let text = '';
  for await (const piece of streamed.textStream) text += piece;
  expect([text, (await streamed.steps).length]).toEqual(['I look.Oslo 3, Rome 21', 3]);
  // Thinking comes back with the calls that followed it.
  expect(lastTold()?.[1]).toMatchObject({ reasoning_content: 'where first' });
});

test('the AI SDK gets objects by a schema of zod, and the thinking before an answer', async () => {
  says = ({ tools }) => {
    const object = '{"city":"Oslo","degrees":3}';
    const name = tools?.[0]?.function.name;
    return name === undefined
      ? object
      : `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${object}}\n</tool_call>`;
  };
  const ask = { model: aiModel(), prompt: 'a', maxOutputTokens: 900 };
  expect((await generateObject({ ...ask, schema: HOT })).object.degrees).toBe(3);
  const anthropic = { structuredOutputMode: 'outputFormat' };
  const byFormat = await generateObject({ ...ask, schema: HOT, providerOptions: { anthropic } });
  expect(byFormat.object.degrees).toBe(3);
  says = () => '<think>why</think>So.';
  const { reasoningText, text } = await generateText(ask);
  expect([reasoningText, text]).toEqual(['why', 'So.']);
  const streamed = streamText(ask);
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
