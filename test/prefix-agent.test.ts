/**
 * An agent's run over HTTP, as they are: a long system prompt that ends with a clock, tools, eight turns with calls and their results, and a
 * server that is restarted in between. Of the tokens that a prompt has in common with an earlier one at least nine tenths come from the cache.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commonTokens } from '../src/core/ids/common-prefix.js';
import { Engine } from '../src/index.js';
import type { ServedEngine } from '../src/server/index.js';
import { BLOCK_TOKENS } from '../src/prefix-store/block-hashes.js';
import { type LiveServer, liveServer, post } from './support/live-server.js';

const TURNS = 8;
/** After these the server is started anew: from then on memory knows nothing. */
const RESTARTS = [4];
const RULES = Array.from(
  { length: 20 },
  (_, rule) => `Rule ${rule}: look at file ${rule * 7} before you change it, and say what you found there.`,
).join('\n');
const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'read_file',
      description: 'Reads a file of the project.',
      parameters: {
        type: 'object',
        properties: { path: { type: 'string', maxLength: 20 } },
        required: ['path'],
        additionalProperties: false,
      },
    },
  },
];

type Message = Record<string, unknown>;
type Usage = { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
type Answer = { choices: { message: Message & { tool_calls?: { id: string }[] } }[]; usage: Usage };

/** The prompts that the server made of bodies. */
const asked: Int32Array[] = [];

let folder = '';
let engine: Engine;
let live: LiveServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-agent-'));
  await start();
});
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  engine = await Engine.load({
    ...{ model: 'quote', dtype: 'w8a8', workers: 2, threads: 1, calibrate: false },
    ...{ prefixCacheDir: folder, prefixDiskBytes: 2e9 },
  });
  const { model, settings, workers, members, costs, preparation } = engine;
  const generate: ServedEngine['generate'] = (request) => {
    asked.push(Int32Array.from(request.promptIds ?? []));
    return engine.generate(request);
  };
  live = await liveServer({
    model,
    settings,
    workers,
    members,
    costs,
    preparation,
    generate,
    embed: (request) => engine.embed(request),
  });
}

async function stop(): Promise<void> {
  await live.server.close();
  await engine.close();
}

function storedBlocks(): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.rows')).length;
}

/** Waits for what is written behind the answers: all whole blocks of all prompts. */
async function untilWritten(prompts: readonly Int32Array[]): Promise<void> {
  const blocks = new Set<string>();
  for (const ids of prompts)
    for (let end = BLOCK_TOKENS; end <= ids.length; end += BLOCK_TOKENS)
      blocks.add(ids.subarray(0, end).join());
  await expect.poll(storedBlocks, { timeout: 30_000 }).toBe(blocks.size);
}

test('repeated tokens come from the cache, also after a restart and behind a clock', async () => {
  const history: Message[] = [];
  let repeated = 0;
  let cached = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    if (RESTARTS.includes(turn)) {
      await untilWritten(asked);
      await stop();
      await start();
    }
    history.push({ role: 'user', content: `Step ${turn}: what does part ${turn} say?` });
    // The clock changes every other turn: then what follows it is computed, and only that.
    const system = { role: 'system', content: `${RULES}\nNow it is 10:${10 + Math.floor(turn / 2)}.` };
    const body = { messages: [system, ...history], tools: TOOLS, max_tokens: 60, seed: turn };
    const { choices, usage } = (await (
      await post(`${live.url}/v1/chat/completions`, { ...body, tool_choice: turn % 2 ? 'auto' : 'required' })
    ).json()) as Answer;
    const ids = asked.at(-1) as Int32Array;
    expect(usage.prompt_tokens).toBe(ids.length);
    repeated += Math.max(0, ...asked.slice(0, -1).map((earlier) => commonTokens(earlier, ids)));
    cached += usage.prompt_tokens_details.cached_tokens;
    const message = choices[0]?.message ?? {};
    history.push(message);
    for (const { id } of message.tool_calls ?? [])
      history.push({ role: 'tool', tool_call_id: id, content: `part ${turn} says ${turn * turn}` });
  }
  expect(repeated).toBeGreaterThan(TURNS * 500);
  expect(cached / repeated).toBeGreaterThanOrEqual(0.9);
  const metrics = await (await fetch(`${live.url}/metrics`)).text();
  expect(metrics).toMatch(/kvr_prefix_hits_total\{from="disk"\} [1-9]/);
});

test('a document that was read ahead costs its question almost nothing', async () => {
  const document = { role: 'user', content: `${RULES.split('').reverse().join('')} Read this.` };
  const warmed = await post(`${live.url}/kvr/warm`, { messages: [document], max_tokens: 50 });
  expect(await warmed.json()).toMatchObject({
    object: 'kvr.warm',
    cached_tokens: expect.any(Number) as number,
  });
  const question = { messages: [{ ...document, content: `${document.content} What is it?` }], max_tokens: 4 };
  const answer = (await (await post(`${live.url}/v1/chat/completions`, question)).json()) as Answer;
  const { prompt_tokens, prompt_tokens_details } = answer.usage;
  expect(prompt_tokens_details.cached_tokens).toBeGreaterThan(prompt_tokens - 60);
});

test('reading ahead has no stream, and refuses what no chat would take', async () => {
  const body = { messages: [{ role: 'user', content: 'a' }] };
  expect((await post(`${live.url}/kvr/warm`, { ...body, stream: true })).status).toBe(400);
  expect((await post(`${live.url}/kvr/warm`, { messages: [] })).status).toBe(400);
  expect((await post(`${live.url}/kvr/warm`, { prompt: 'the cat sat' })).status).toBe(200);
});
