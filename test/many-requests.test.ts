/**
 * Many requests at once: each gets the tokens it gets alone, whatever runs beside it, and none stops another for long
 * or for good. Models made here, f32, against the plain forward pass.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kvBytesPerToken } from '../src/core/shape.js';
import { Engine, type GenerateRequest, type GenerationResult, type KvrError } from '../src/index.js';
import { ReferenceModel } from './reference/forward.js';
import { seededRandom } from './reference/random.js';
import { saveHfFolder } from './support/hf-folder.js';
import { HeardMessages } from './support/heard.js';
import { LONG_CHUNK_TOKENS, LONG_LLAMA, longPrompt, saveLongLlama } from './support/long-llama.js';
import { certainSteps } from './support/same-answer.js';
import { SMALL_CHECKPOINT, SMALL_LLAMA, smallPrompt } from './support/small-llama.js';
import { until } from './support/until.js';

let folder = '';
let reference: ReferenceModel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-many-'));
  await saveHfFolder(SMALL_CHECKPOINT, join(folder, 'model'));
  await saveLongLlama(join(folder, 'long'));
  reference = await ReferenceModel.load(SMALL_CHECKPOINT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(options: Partial<Parameters<typeof Engine.load>[0]> = {}): Promise<Engine> {
  const model = join(folder, 'model');
  return Engine.load({ model, threads: 1, calibrate: false, cacheDir: folder, chunkTokens: 16, ...options });
}

/** Requests of mixed lengths with what they must give. */
function mixedRequests(count: number): { request: GenerateRequest; ids: readonly number[]; steps: number }[] {
  const random = seededRandom(5);
  return Array.from({ length: count }, (_, index) => {
    const promptIds = smallPrompt(1 + random.below(70), 100 + index);
    const maxTokens = 1 + random.below(12);
    const { ids, margins } = reference.greedy(promptIds, maxTokens);
    return { request: { promptIds, maxTokens }, ids, steps: certainSteps({ ids, margins, logits: [] }) };
  });
}

/** Runs a request that is cancelled when it comes to a moment of its life, where it does. */
async function cancelledAt(
  engine: Engine,
  request: GenerateRequest,
  moment: 'waiting' | 'prefill' | 'token' | undefined,
): Promise<GenerationResult> {
  const stop = new AbortController();
  if (moment === 'waiting') queueMicrotask(() => stop.abort());
  for await (const event of engine.generate({ ...request, signal: stop.signal })) {
    if (event.type === moment) stop.abort();
    if (event.type === 'done') return event.result;
  }
  throw new Error('a generation ended without a result');
}

describe.each([1, 3])('%i workers', (workers) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await load({ workers });
  });
  afterAll(() => engine.close());

  test('16 requests at once of mixed lengths each get their own tokens', async () => {
    const all = mixedRequests(16);
    const results = await Promise.all(all.map(({ request }) => engine.complete(request)));
    for (const [index, { ids, steps }] of all.entries()) {
      expect(results[index]?.tokenIds.slice(0, steps)).toEqual(ids.slice(0, steps));
      expect(results[index]?.tokenIds.length).toBe(ids.length);
    }
    expect(engine.load).toMatchObject({ running: 0, waiting: 0, expectedWaitMs: 0 });
  });

  test('so do chains, TSP and single beside each other', async () => {
    const all = mixedRequests(12).filter(({ request }) => (request.promptIds?.length ?? 0) >= workers);
    const strategies = ['kvr', 'tsp', 'single'] as const;
    const results = await Promise.all(
      all.map(({ request }, index) =>
        engine.complete({ ...request, strategy: strategies[index % 3] ?? 'kvr', partition: 'e' }),
      ),
    );
    for (const [index, { ids, steps }] of all.entries())
      expect(results[index]?.tokenIds.slice(0, steps)).toEqual(ids.slice(0, steps));
  });

  test('some that are cancelled in between take nothing away from the others', async () => {
    const all = mixedRequests(16);
    // While they wait for their turn, while their prompt is read, and after their first token.
    const moments = ['waiting', 'prefill', 'token'] as const;
    const results = await Promise.allSettled(
      all.map(({ request }, index) =>
        index % 3 === 0 ? cancelledAt(engine, request, moments[(index / 3) % 3]) : engine.complete(request),
      ),
    );
    for (const [index, { ids, steps }] of all.entries()) {
      const result = results[index] as PromiseSettledResult<GenerationResult>;
      if (result.status === 'fulfilled')
        expect(result.value.tokenIds.slice(0, steps)).toEqual(ids.slice(0, steps));
      else expect(result.reason).toMatchObject({ code: 'CANCELLED' });
      if (index % 3 !== 0) expect(result.status).toBe('fulfilled');
    }
    expect(engine.load.running).toBe(0);
  });
});

test('what the memory for KV has no room for waits, and is not refused', async () => {
  const kvMemoryBytes = 200 * kvBytesPerToken(SMALL_LLAMA, 'f32');
  const engine = await load({ workers: 2, kvMemoryBytes });
  try {
    const promptIds = smallPrompt(80, 3);
    const request = { promptIds, maxTokens: 10, partition: 'e' } as const;
    const results = await Promise.all(Array.from({ length: 8 }, () => engine.complete(request)));
    const { ids } = reference.greedy(promptIds, 10);
    for (const { tokenIds } of results) expect(tokenIds).toEqual(ids);
    expect(Math.max(...results.map(({ queueMs }) => queueMs))).toBeGreaterThan(0);
    const large = engine.complete({ ...request, promptIds: smallPrompt(250, 4) });
    await expect(large).rejects.toMatchObject({ code: 'WORKER_REFUSED' });
  } finally {
    await engine.close();
  }
});

test('one more than may wait is refused, with what a server needs to say when to come back', async () => {
  const engine = await load({ workers: 1, maxRunning: 1, maxWaiting: 2 });
  try {
    await engine.complete({ promptIds: [1], maxTokens: 1 });
    const request = { promptIds: smallPrompt(60, 3), maxTokens: 20 };
    const settled = await Promise.allSettled(Array.from({ length: 6 }, () => engine.complete(request)));
    const refused = settled.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(6 - 1 - 2);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: 'BUSY', fields: { maxWaiting: 2, maxRunning: 1 } });
      expect((reason as KvrError).fields['expectedWaitMs']).toBeGreaterThan(0);
    }
  } finally {
    await engine.close();
  }
});

test('what runs on a worker that dies is run again, beside all others, and every answer is that of a whole chain', async () => {
  const engine = await load({ workers: 2 });
  try {
    const requests = Array.from({ length: 8 }, (_, seed) => ({
      promptIds: smallPrompt(100, seed),
      maxTokens: 400,
      partition: 'e' as const,
    }));
    const pid = engine.workers[1]?.ready.pid ?? 0;
    let isKilled = false;
    new HeardMessages(engine, ({ message }) => {
      if (message.type === 'token' && !isKilled) isKilled = process.kill(pid, 'SIGKILL');
    });
    const answers = await Promise.all(requests.map((request) => engine.complete(request)));
    expect(answers.some(({ retries }) => retries > 0)).toBe(true);
    const alone = await engine.complete(requests[0] as GenerateRequest);
    expect([alone.retries, alone.tokenIds]).toEqual([0, answers[0]?.tokenIds]);
    const promptIds = smallPrompt(30, 9);
    const { ids } = reference.greedy(promptIds, 5);
    const after = await Promise.all([1, 2, 3].map(() => engine.complete({ promptIds, maxTokens: 5 })));
    for (const { tokenIds } of after) expect(tokenIds).toEqual(ids);
  } finally {
    await engine.close();
  }
});

describe('a prompt that takes a while', () => {
  const longIds = longPrompt(4000);
  const loadLong = (workers: number): Promise<Engine> =>
    load({ model: join(folder, 'long'), workers, chunkTokens: LONG_CHUNK_TOKENS });

  test('a running stream goes on while it is read, and it is read while the stream goes on', async () => {
    const engine = await loadLong(1);
    try {
      const heard = new HeardMessages(engine);
      const stop = new AbortController();
      const endless = { promptIds: [1, 2, 3], maxTokens: 60_000, signal: stop.signal };
      const stream = engine.complete(endless).catch((error: unknown) => error);
      await until(() => heard.count('token') > 1, 'the stream');
      const { timeline, tokenIds } = await engine.complete({ promptIds: longIds, maxTokens: 3 });
      stop.abort();
      expect(await stream).toMatchObject({ code: 'CANCELLED' });
      const [first, second] = heard.requests;
      const spoken = heard.all.map(({ message }) => `${message.request} ${message.type}`);
      const begin = spoken.indexOf(`${second} progress`);
      const whileRead = spoken.slice(begin, spoken.indexOf(`${second} prefilled`));
      expect(whileRead).toContain(`${first} token`);
      // Other requests got time, and this one did not wait for their end.
      expect(timeline[0]?.sharedMs).toBeGreaterThan(0);
      const alone = await engine.complete({ promptIds: longIds, maxTokens: 3 });
      expect(tokenIds).toEqual(alone.tokenIds);
    } finally {
      await engine.close();
    }
  });

  test('rank 0 starts the next one while the last rank is at the one before', async () => {
    const engine = await loadLong(2);
    try {
      const heard = new HeardMessages(engine);
      const request = { promptIds: longIds, maxTokens: 1, partition: [800, 3200] };
      const results = await Promise.all([engine.complete(request), engine.complete(request)]);
      expect(results[1]?.tokenIds).toEqual(results[0]?.tokenIds);
      const [first, second] = heard.requests;
      const news = heard.all.map(({ worker, message }) => `${message.request} ${message.type} ${worker}`);
      expect(news).toContain(`${second} progress 0`);
      expect(news.indexOf(`${second} progress 0`)).toBeLessThan(news.indexOf(`${first} prefilled 1`));
    } finally {
      await engine.close();
    }
  });

  test('a cancel puts it down on every rank before its last layer', async () => {
    const engine = await loadLong(2);
    try {
      const stop = new AbortController();
      const heard = new HeardMessages(engine, ({ message }) => {
        if (message.type === 'progress') stop.abort();
      });
      const request = { promptIds: longIds, maxTokens: 1, partition: [2000, 2000], signal: stop.signal };
      await expect(engine.complete(request)).rejects.toMatchObject({ code: 'CANCELLED' });
      const haveEnded = (): boolean => heard.workersThatSaid('finished').length === 2;
      await until(haveEnded, 'both ranks to put it down');
      const layers = heard.all.flatMap(({ message }) => (message.type === 'progress' ? [message.layer] : []));
      expect(Math.max(...layers)).toBeLessThan(LONG_LLAMA.layers - 1);
      expect(heard.count('prefilled')).toBe(0);
    } finally {
      await engine.close();
    }
  });
});
