/**
 * A server on a free port of loopback, around a real engine or a stand-in that does as a test says.
 */
import { Writable } from 'node:stream';
import { InlinePreparation } from '../../src/engine/preparation/inline-preparation.js';
import type { GenerateEvent, GenerationResult } from '../../src/engine/output/generation.js';
import type { GenerateRequest } from '../../src/engine/options/request.js';
import { KvrServer, openLog, type ServedEngine, type ServerSettings } from '../../src/server/index.js';
import { byteTokenizer } from '../../src/tokenizer/index.js';

export const SETTINGS: ServerSettings = {
  host: '127.0.0.1',
  port: 0,
  corsOrigins: [],
  isStrict: false,
  isStrictModel: false,
  allowedHosts: [],
  deadlineMs: 60_000,
  drainMs: 2_000,
  maxBodyBytes: 1_000_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 20_000,
  defaultMaxTokens: 64,
  logPrompts: false,
  pageFolder: '/nonexistent',
  version: '0.0.0',
};

export type LiveServer = { readonly server: KvrServer; readonly url: string; readonly log: () => string };

export async function liveServer(
  engine: ServedEngine,
  settings: Partial<ServerSettings> = {},
): Promise<LiveServer> {
  let lines = '';
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines += chunk.toString();
      done();
    },
  });
  const server = await KvrServer.start(engine, { ...SETTINGS, ...settings }, openLog('debug', output));
  return { server, url: server.url, log: () => lines };
}

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  });
}

export type Script = (request: GenerateRequest, ids: readonly number[]) => AsyncGenerator<GenerateEvent>;

/** An engine whose answers a test writes; bytes are tokens, and there is a chat template. */
export function standInEngine(script: Script): ServedEngine {
  const tokenizer = byteTokenizer(300);
  const applyChat = (messages: readonly { content: string | null }[]): number[] =>
    tokenizer.encode(messages.map(({ content }) => content ?? '').join('\n'));
  const served = { ...tokenizer, hasChatTemplate: true, applyChat };
  const model = {
    name: 'stand-in',
    shape: { architecture: 'llama', layers: 2, contextTokens: 1000, vocabulary: 300 },
    eosIds: [2],
    digest: '0123456789abcdef',
    parameters: 1,
    tokenizer: served,
  };
  return {
    model: model as unknown as ServedEngine['model'],
    settings: { dtype: 'f32', kvDtype: 'f32' } as ServedEngine['settings'],
    workers: [],
    members: [{ id: 'stand-in', status: 'usable' }],
    costs: undefined,
    preparation: new InlinePreparation({ tokenizer: served, contextTokens: 1000 }),
    generate: (request) => script(request, [...(request.promptIds ?? [])]),
    embed: () => Promise.reject(new Error('this engine makes no embeddings')),
  };
}

/** Tokens, one a byte, then the end. */
export function* spoken(text: string, ids: readonly number[]): Generator<GenerateEvent> {
  for (const char of text) yield { type: 'token', id: 3 + char.charCodeAt(0), text: char };
  yield { type: 'done', result: resultOf(text, ids) };
}

export function resultOf(text: string, ids: readonly number[]): GenerationResult {
  return {
    text,
    tokenIds: [...text].map((char) => 3 + char.charCodeAt(0)),
    promptTokens: ids.length,
    completionTokens: text.length,
    finishReason: 'stop',
    strategy: 'kvr',
    partition: [ids.length],
    workers: 1,
    plan: { chain: ['stand-in'], leftOut: [] },
    dtype: 'f32',
    kvDtype: 'f32',
    ttftMs: 1,
    cachedTokens: 0,
    queueMs: 0,
    predictedTtftMs: 1,
    decodeTokensPerSecond: 1,
    wideTokens: 0,
    ...{ retries: 0, recoveries: 0, recoveryMs: 0 },
    timeline: [],
  };
}

/** Data of all events of a stream, comments apart. */
export function eventsOf(text: string): { readonly data: unknown[]; readonly comments: string[] } {
  const lines = text.split('\n');
  const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6));
  return {
    data: data.map((line) => (line === '[DONE]' ? line : (JSON.parse(line) as unknown))),
    comments: lines.filter((line) => line.startsWith(':')),
  };
}
