/**
 * Calls of functions in answers whose tokens a test writes, over HTTP: text that is held back where a call begins, and
 * answers that end, or are cut, within one. Tokens go through a real tokenizer, stop strings and the reader of calls.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { FinishReason } from '../src/engine/output/generation.js';
import { TextOutput } from '../src/engine/output/text-output.js';
import type { ServedEngine } from '../src/server/index.js';
import { InlinePreparation } from '../src/engine/preparation/inline-preparation.js';
import { loadTokenizer, type Tokenizer } from '../src/tokenizer/index.js';
import { type LiveServer, liveServer, resultOf, standInEngine } from './support/live-server.js';
import { saveTalkingLlama } from './support/talking-llama.js';

const TEMPLATES = {
  hermes: '{% if tools %}use <tool_call>{% endif %}{{ messages[0].content }}',
  mistral: '{% if tools %}use [TOOL_CALLS]{% endif %}{{ messages[0].content }}',
  llama: '{% if tools %}{"name": n, "parameters": p}{% endif %}{{ messages[0].content }}',
};
type Kind = keyof typeof TEMPLATES;

const folder = mkdtempSync(join(tmpdir(), 'kvr-tool-cuts-'));
const running: LiveServer[] = [];
afterEach(() => Promise.all(running.splice(0).map(({ server }) => server.close())));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function tokenizerOf(kind: Kind): Promise<Tokenizer> {
  const model = join(folder, kind);
  await saveTalkingLlama(model, { template: TEMPLATES[kind], special: ['[TOOL_CALLS]'] });
  return loadTokenizer(model);
}

/** Says these tokens, whatever it is asked. */
function speaking(tokenizer: Tokenizer, ids: readonly number[], finishReason: FinishReason): ServedEngine {
  const engine = standInEngine(async function* ({ stop = [], shownTokens }, promptIds) {
    const output = new TextOutput({ tokenizer, promptIds, stops: stop, shownTokens });
    let isStopped = false;
    for (const id of ids) {
      const told = output.push(id);
      yield await Promise.resolve({ type: 'token' as const, id, text: told.text });
      if ((isStopped = told.isStopped)) break;
    }
    const rest = isStopped ? '' : output.end();
    if (rest !== '') yield { type: 'token', id: ids.at(-1) ?? 0, text: rest, isRest: true };
    const result = { ...resultOf('', []), finishReason: isStopped ? ('stop' as const) : finishReason };
    const end = isStopped || finishReason === 'length' ? [] : engine.model.eosIds;
    yield { type: 'done', result: { ...result, tokenIds: [...ids, ...end] } };
  });
  const preparation = new InlinePreparation({ tokenizer, contextTokens: 1000 });
  return { ...engine, model: { ...engine.model, tokenizer }, preparation };
}

type Said = { readonly text: string; readonly calls: string[]; readonly reason: string | null | undefined };

/** The same from the whole answer and from the stream. */
async function answerOf(
  tokenizer: Tokenizer,
  ids: readonly number[],
  more: { readonly stop?: string[]; readonly reason?: FinishReason } = {},
): Promise<Said> {
  const live = await liveServer(speaking(tokenizer, ids, more.reason ?? 'stop'));
  running.push(live);
  const client = new OpenAI({ apiKey: 'x', baseURL: `${live.url}/v1`, maxRetries: 0 });
  const tools = ['weather', 'clock'].map((name) => ({ type: 'function' as const, function: { name } }));
  const asked = {
    ...{ model: 'stand-in', messages: [{ role: 'user' as const, content: 'hi' }], tools },
    ...(more.stop && { stop: more.stop }),
  };
  const whole = await wholeOf(client, asked);
  expect(await streamedOf(client, asked)).toEqual(whole);
  return whole;
}

type Asked = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, 'stream'>;

async function wholeOf(client: OpenAI, asked: Asked): Promise<Said> {
  const [choice] = (await client.chat.completions.create(asked)).choices;
  const calls = choice?.message.tool_calls ?? [];
  return {
    text: choice?.message.content ?? '',
    calls: calls.map((call) =>
      call.type === 'function' ? `${call.function.name} ${call.function.arguments}` : '',
    ),
    reason: choice?.finish_reason,
  };
}

async function streamedOf(client: OpenAI, asked: Asked): Promise<Said> {
  let text = '';
  let reason: string | null | undefined;
  const calls: string[] = [];
  for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true })) {
    text += choices[0]?.delta.content ?? '';
    reason = choices[0]?.finish_reason ?? reason;
    for (const { index, function: told } of choices[0]?.delta.tool_calls ?? [])
      calls[index] = (calls[index] ?? `${told?.name} `) + (told?.arguments ?? '');
  }
  return { text, calls, reason };
}

const CALL = '[{"name": "clock", "arguments": {}}]';

describe('what is held back before a mark that is a special token stays in front of it', () => {
  test.each<[what: string, before: string, stop: string[], text: string]>([
    ['the begin of a stop string', 'so E', ['END'], 'so E'],
    ['begins of several', 'so ab', ['abc', 'bcd'], 'so ab'],
    ['the begin of a stop string that would go on behind the mark', 'so', ['o[{'], 'so'],
    ['nothing', 'so', ['END'], 'so'],
  ])('%s', async (_, before, stop, text) => {
    const tokenizer = await tokenizerOf('mistral');
    const ids = tokenizer.encode(`${before}[TOOL_CALLS]${CALL}`);
    expect(await answerOf(tokenizer, ids, { stop })).toEqual({ text, calls: ['clock {}'], reason: 'tool_calls' });
  }); // prettier-ignore

  test('a character that is not whole', async () => {
    const tokenizer = await tokenizerOf('mistral');
    const [begun] = tokenizer.encode('日').slice(0, 1);
    const ids = [begun ?? 0, ...tokenizer.encode(`[TOOL_CALLS]${CALL}`)];
    expect(await answerOf(tokenizer, ids)).toEqual({ text: '\uFFFD', calls: ['clock {}'], reason: 'tool_calls' });
  }); // prettier-ignore

  test('a mark ends an answer as other text does where it is a stop string', async () => {
    const tokenizer = await tokenizerOf('mistral');
    const ids = tokenizer.encode(`so[TOOL_CALLS]${CALL}`);
    const said = await answerOf(tokenizer, ids, { stop: ['[TOOL_CALLS]'] });
    expect(said).toEqual({ text: 'so', calls: [], reason: 'stop' });
  });
});

describe('an answer that its limit cuts in the head of a call shows nothing of it', () => {
  test.each<[kind: Kind, said: string, text: string, calls: string[]]>([
    ['hermes', 'So: <tool_call>\n{"name": "wea', 'So: ', []],
    ['hermes', '<tool_call>\n{"name": "weather", "argu', '', []],
    ['hermes', '<tool_call>{"arguments": {"zone": ', '', []],
    ['hermes', '<tool_call>', '', []],
    ['hermes', 'So: <tool_', 'So: ', []],
    [
      'hermes',
      '<tool_call>{"name": "clock", "arguments": {}}</tool_call>\n<tool_call>{"na',
      '',
      ['clock {}'],
    ],
    ['hermes', '<tool_call>{"name": "clock", "arguments": {}}</tool_call>\n<t', '', ['clock {}']],
    ['mistral', '[TOOL_CALLS][{"name": "clo', '', []],
    ['mistral', '[TOOL_CALLS][{"name": "clock", "arguments": {}}, {"na', '', ['clock {}']],
    ['llama', '{"name": "weath', '', []],
    ['llama', '{"name": "weather", "parameters": ', '', []],
    ['llama', '<|python_tag|>{"na', '', []],
    ['llama', '[{"name": "clo', '', []],
  ])('%s: %j', async (kind, said, text, calls) => {
    const tokenizer = await tokenizerOf(kind);
    expect(await answerOf(tokenizer, tokenizer.encode(said), { reason: 'length' })).toEqual({
      ...{ text, calls, reason: 'length' },
    });
  });

  test.each<[kind: Kind, said: string, stop: string, text: string, calls: string[]]>([
    ['hermes', 'So: <tool_call>\n{"name": "clock"', '\n', 'So: ', []],
    ['mistral', '[TOOL_CALLS][{"name": "clock", "arguments": {}}]', '": {', '', []],
    ['mistral', '[TOOL_CALLS][{"name": "clock", "arguments": {}}, {"name"', ', {"', '', ['clock {}']],
    ['llama', '{"name": "clock", "parameters": {}}', '",', '', []],
  ])('and so does one that a stop string cuts there: %s, %j at %j', async (kind, said, stop, text, calls) => {
    const tokenizer = await tokenizerOf(kind);
    const ids = tokenizer.encode(said);
    const reason = calls.length > 0 ? 'tool_calls' : 'stop';
    expect(await answerOf(tokenizer, ids, { stop: [stop] })).toEqual({ text, calls, reason });
  });

  test.each<[kind: Kind, said: string, reason: FinishReason]>([
    ['hermes', 'if a <', 'length'],
    ['hermes', 'the <tool', 'length'],
    ['hermes', '<tool_call>{"name": "weekday', 'length'],
    ['hermes', '<tool_call> is a', 'length'],
    ['hermes', '<tool_call>{"name": "wea', 'stop'],
    ['llama', '{"na', 'length'],
    ['llama', '{"name": "Bo', 'length'],
    ['llama', '[{"na', 'length'],
    ['llama', '{"name": "weath', 'stop'],
  ])('but what is none, or may well be none, stays text: %s, %j, %s', async (kind, said, reason) => {
    const tokenizer = await tokenizerOf(kind);
    const ids = tokenizer.encode(said);
    expect(await answerOf(tokenizer, ids, { reason })).toEqual({ text: said, calls: [], reason });
  });
});
