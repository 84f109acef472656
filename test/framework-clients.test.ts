/**
 * LangChain, LlamaIndex and OpenAI's agents against one live server whose model follows a script: each by chats and, where
 * it speaks them, by responses.
 */
import { type AIMessageChunk, type BaseMessage, HumanMessage } from '@langchain/core/messages';
import { tool as langChainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { type ChatMessage, type ToolCallLLMMessageOptions } from '@llamaindex/core/llms';
import { tool as llamaIndexTool } from '@llamaindex/core/tools';
import { OpenAI as LlamaIndexOpenAI } from '@llamaindex/openai';
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool as agentTool } from '@openai/agents';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { accepts } from '../src/grammar/accepts.test-support.js';
import { compileGrammar } from '../src/grammar/grammar.js';
import { type LiveServer, liveServer } from './support/live-server.js';
import { asksTwice, callOf, type Says, scriptedEngine, type Told, WAITS } from './support/scripted-engine.js';
import { until } from './support/until.js';

const KEY = 'a-key-for-tests';
const QUESTION = 'Where is it warm?';
const HOT = z.object({ city: z.enum(['Oslo', 'Rome']), degrees: z.number().int() });
const HELD = { city: 'Oslo', degrees: 3 };
const BY_APIS = [['chats', false] as const, ['responses', true] as const];
const WEATHER = {
  name: 'weather',
  description: 'Of a city.',
  parameters: z.object({ city: z.enum(['Oslo', 'Rome']) }),
};
const weather = ({ city }: { city: string }): string => (city === 'Oslo' ? '3' : '21');

let live: LiveServer;
let says: Says;
let told: Told[];

beforeAll(async () => {
  // Nothing of what is asked here is to be reported to anyone, whatever the environment says.
  vi.stubEnv('LANGSMITH_TRACING', 'false');
  vi.stubEnv('LANGCHAIN_TRACING_V2', 'false');
  setTracingDisabled(true);
  const engine = scriptedEngine((one) => {
    told.push(one);
    return says(one);
  });
  live = await liveServer(engine, { apiKey: KEY });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await live.server.close();
});
beforeEach(() => {
  told = [];
  says = () => '<think>why</think>So it is.';
});

const baseURL = () => `${live.url}/v1`;
const isIdle = async () =>
  ((await (await fetch(`${live.url}/readyz`)).json()) as { running: number }).running === 0;

/** Of the newest request: whether its answer could be this text. */
function isHeldTo(text: string): boolean {
  const given = told.at(-1)?.request.grammar;
  if (!given) return false;
  return accepts(compileGrammar('grammar' in given ? given.grammar : given), Buffer.from(text));
}

/** An answer by HOT, in the form that was asked for: as text, or as the call of a function that was made for it. */
const answersHot: Says = ({ tools }) => {
  const name = tools?.[0]?.function.name;
  return name === undefined ? JSON.stringify(HELD) : callOf(name, HELD);
};

/** What the model was told in the last of asksTwice's turns. */
function expectThreeTurns(thought: string | undefined): void {
  expect(told).toHaveLength(3);
  const call = (city: string) => ({ function: { name: 'weather', arguments: { city } } });
  expect(told[2]?.messages).toMatchObject([
    { role: 'user', content: QUESTION },
    { role: 'assistant', tool_calls: [call('Oslo')], ...(thought !== undefined && { reasoning_content: thought }) },
    { role: 'tool', name: 'weather', content: '3' },
    { role: 'assistant', tool_calls: [call('Rome')] },
    { role: 'tool', name: 'weather', content: '21' },
  ]); // prettier-ignore
}

describe.each(BY_APIS)('LangChain, by %s', (_, useResponsesApi) => {
  const open = () =>
    new ChatOpenAI({
      ...{ model: 'stand-in', apiKey: KEY, maxRetries: 0, useResponsesApi },
      configuration: { baseURL: baseURL() },
    });

  test('streams, with usage and thinking', async () => {
    let whole: AIMessageChunk | undefined;
    for await (const chunk of await open().stream(QUESTION)) whole = whole?.concat(chunk) ?? chunk;
    expect(whole?.text).toBe('So it is.');
    expect((whole?.usage_metadata as { output_tokens: number } | undefined)?.output_tokens).toBeGreaterThan(
      'So it is.'.length,
    );
    const { text, additional_kwargs: kept } = await open().invoke(QUESTION);
    expect(text).toBe('So it is.');
    expect(kept).toMatchObject(
      useResponsesApi ? { reasoning: { content: [{ text: 'why' }] } } : { reasoning_content: 'why' },
    );
  });

  test.each(['whole', 'streamed'])('calls tools in three turns, %s', async (how) => {
    says = asksTwice;
    const tool = langChainTool(weather, { ...WEATHER, schema: WEATHER.parameters });
    const model = open().bindTools([tool]);
    const said: BaseMessage[] = [new HumanMessage(QUESTION)];
    for (let calls = 1; calls > 0;) {
      let answer: AIMessageChunk | undefined;
      if (how === 'whole') answer = await model.invoke(said);
      else for await (const chunk of await model.stream(said)) answer = answer?.concat(chunk) ?? chunk;
      said.push(answer as AIMessageChunk);
      calls = answer?.tool_calls?.length ?? 0;
      for (const call of answer?.tool_calls ?? []) said.push(await tool.invoke(call));
    }
    expect(said.at(-1)?.text).toBe('Oslo 3, Rome 21');
    expectThreeTurns(undefined);
  });

  test.each(['jsonSchema', 'functionCalling'] as const)('answers by a schema of zod, as %s', async (method) => {
    says = answersHot;
    expect(await open().withStructuredOutput(HOT, { method, strict: true }).invoke(QUESTION)).toEqual(HELD);
    expect(told[0]?.request.grammar).toBeDefined();
    if (method === 'functionCalling') return;
    expect([isHeldTo(JSON.stringify(HELD)), isHeldTo('{"city":"Oslo","degrees":"3"}')]).toEqual([true, false]);
  }); // prettier-ignore

  test('aborts', async () => {
    says = () => WAITS;
    const gone = new AbortController();
    const answer = open().invoke(QUESTION, { signal: gone.signal });
    await until(() => told.length > 0, 'its begin');
    gone.abort();
    await expect(answer).rejects.toThrow();
    await until(isIdle, 'the end');
  });
});

describe('LlamaIndex', () => {
  type Message = ChatMessage<ToolCallLLMMessageOptions>;
  /** It takes no signal, but what fetches. */
  const open = (fetcher: typeof fetch = fetch) =>
    new LlamaIndexOpenAI({
      ...{ model: 'stand-in', apiKey: KEY, maxRetries: 0, baseURL: baseURL() },
      additionalSessionOptions: { fetch: fetcher },
    });
  const asked = (): Message[] => [{ role: 'user', content: QUESTION }];
  const tool = llamaIndexTool({ ...WEATHER, execute: weather });

  test('streams, and shows the thinking of a whole answer as it came', async () => {
    let text = '';
    for await (const { delta } of await open().chat({ messages: asked(), stream: true })) text += delta;
    expect(text).toBe('So it is.');
    const { message, raw } = await open().chat({ messages: asked() });
    expect(message.content).toBe('So it is.');
    expect(raw).toMatchObject({ choices: [{ message: { reasoning_content: 'why' } }] });
  });

  test.each(['whole', 'streamed'])('calls tools in three turns, %s', async (how) => {
    // This client takes a stream for text if it begins with some.
    says = (one) => asksTwice(one).replace('I look.', '');
    const messages = asked();
    for (let calls = 1; calls > 0; ) {
      const answer = how === 'whole' ? await open().exec({ messages, tools: [tool] }) : await open().exec({ messages, tools: [tool], stream: true });
      if ('stream' in answer) for await (const chunk of answer.stream) void chunk;
      messages.push(...('stream' in answer ? answer.newMessages() : answer.newMessages));
      calls = answer.toolCalls.length;
    } // prettier-ignore
    expect(messages.at(-1)?.content).toBe('Oslo 3, Rome 21');
    expectThreeTurns(undefined);
  });

  test('answers by a schema of zod, as a call and as text', async () => {
    says = answersHot;
    const { object } = await open().exec({ messages: asked(), responseFormat: HOT });
    expect(object).toEqual(HELD);
    const { message } = await open().chat({ messages: asked(), responseFormat: HOT });
    expect(JSON.parse(message.content as string)).toEqual(HELD);
    expect([isHeldTo(JSON.stringify(HELD)), isHeldTo('{"city":"Oslo","degrees":"3"}')]).toEqual([
      true,
      false,
    ]);
  });

  test('aborts, by the signal of its fetch', async () => {
    says = () => WAITS;
    const gone = new AbortController();
    const answer = open((url, init) => fetch(url, { ...init, signal: gone.signal })).chat({
      messages: asked(),
    });
    await until(() => told.length > 0, 'its begin');
    gone.abort();
    await expect(answer).rejects.toThrow();
    await until(isIdle, 'the end');
  });
});

describe.each(BY_APIS)("OpenAI's agents, by %s", (_, useResponses) => {
  const runner = () =>
    new Runner({
      modelProvider: new OpenAIProvider({ apiKey: KEY, baseURL: baseURL(), useResponses }),
      tracingDisabled: true,
    });
  const common = { name: 'guide', model: 'stand-in' };

  test('streams', async () => {
    const result = await runner().run(new Agent(common), QUESTION, { stream: true });
    let text = '';
    for await (const piece of result.toTextStream()) text += piece;
    await result.completed;
    expect([text, result.finalOutput]).toEqual(['So it is.', 'So it is.']);
  });

  test.each([false, true])('calls tools in three turns, streamed: %s', async (stream) => {
    // By chats it would tell of text and call as two messages.
    says = (one) => asksTwice(one).replace('I look.', '');
    const agent = new Agent({ ...common, tools: [agentTool({ ...WEATHER, execute: weather })] });
    const result = stream ? await runner().run(agent, QUESTION, { stream }) : await runner().run(agent, QUESTION);
    if ('completed' in result) await result.completed;
    expect(result.finalOutput).toBe('Oslo 3, Rome 21');
    expectThreeTurns(useResponses ? 'where first' : undefined);
  }); // prettier-ignore

  test('answers by a schema of zod', async () => {
    says = answersHot;
    const { finalOutput } = await runner().run(new Agent({ ...common, outputType: HOT }), QUESTION);
    expect(finalOutput).toEqual(HELD);
    expect([isHeldTo(JSON.stringify(HELD)), isHeldTo('{"city":"Oslo","degrees":"3"}')]).toEqual([
      true,
      false,
    ]);
  });

  test('aborts', async () => {
    says = () => WAITS;
    const gone = new AbortController();
    const answer = runner().run(new Agent(common), QUESTION, { signal: gone.signal });
    await until(() => told.length > 0, 'its begin');
    gone.abort();
    await expect(answer).rejects.toThrow();
    await until(isIdle, 'the end');
  });
});
