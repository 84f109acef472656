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
import { certainSteps } from './support/same-answer.js';
import { SMALL_CHECKPOINT, SMALL_LLAMA, smallPrompt } from './support/small-llama.js';

let folder = '';
let reference: ReferenceModel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-many-'));
  await saveHfFolder(SMALL_CHECKPOINT, join(folder, 'model'));
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

describe.each([1, 2, 3])('%i workers', (workers) => {
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
    const results = await Promise.allSettled(
      all.map(({ request }, index) => {
        const stop = new AbortController();
        if (index % 3 === 0) setTimeout(() => stop.abort(), index);
        return engine.complete({ ...request, signal: stop.signal });
      }),
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
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(5);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: 'BUSY', fields: { maxWaiting: 2, maxRunning: 1 } });
      expect((reason as KvrError).fields['expectedWaitMs']).toBeGreaterThan(0);
    }
  } finally {
    await engine.close();
  }
});

test('a worker that dies fails what needs it, in a typed error, and the next requests find a whole chain', async () => {
  const engine = await load({ workers: 2 });
  try {
    const requests = Array.from({ length: 8 }, (_, seed) => ({
      promptIds: smallPrompt(100, seed),
      maxTokens: 100,
      partition: 'e' as const,
    }));
    const settling = Promise.allSettled(requests.map((request) => engine.complete(request)));
    for await (const event of engine.generate(requests[0] as GenerateRequest))
      if (event.type === 'token') break;
    process.kill(engine.workers[1]?.ready.pid ?? 0, 'SIGKILL');
    const settled = await settling;
    for (const one of settled)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'WORKER_DIED' });
    expect(settled.some(({ status }) => status === 'rejected')).toBe(true);
    const promptIds = smallPrompt(30, 9);
    const { ids } = reference.greedy(promptIds, 5);
    const after = await Promise.all([1, 2, 3].map(() => engine.complete({ promptIds, maxTokens: 5 })));
    for (const { tokenIds } of after) expect(tokenIds).toEqual(ids);
  } finally {
    await engine.close();
  }
});

describe('a model with work to do', () => {
  const model = 'synthetic:tinyllama-1.1b,layers=4,vocab=300';
  const longIds = Array.from({ length: 600 }, (_, index) => index % 300);

  test('a running stream goes on while a long prompt is read, and the prompt is read while it goes on', async () => {
    const engine = await load({ model, workers: 1, chunkTokens: 512 });
    try {
      const stop = new AbortController();
      let tokens = 0;
      const isRunning = new Promise<void>((resolve) => {
        const stream = async (): Promise<void> => {
          const request = { promptIds: [1, 2, 3], maxTokens: 1000, signal: stop.signal };
          for await (const event of engine.generate(request))
            if (event.type === 'token' && ++tokens === 2) resolve();
        };
        stream().catch(() => undefined);
      });
      await isRunning;
      const before = tokens;
      const { timeline, tokenIds } = await engine.complete({ promptIds: longIds, maxTokens: 3 });
      expect(tokens - before).toBeGreaterThan(3);
      // Read in parts, with steps between them: other requests got time, and this one did not wait for their end.
      expect(timeline[0]?.sharedMs).toBeGreaterThan(0);
      stop.abort();
      const alone = await engine.complete({ promptIds: longIds, maxTokens: 3 });
      expect(tokenIds).toEqual(alone.tokenIds);
    } finally {
      await engine.close();
    }
  });

  test('rank 0 starts the next prompt while the last rank is at the one before', async () => {
    const engine = await load({ model, workers: 2, chunkTokens: 512 });
    try {
      const news: string[] = [];
      let first: number | undefined;
      engine.workers.forEach(({ handle }, worker) =>
        handle.listen((message) => {
          if (message.type !== 'progress' && message.type !== 'prefilled') return;
          first ??= message.request;
          news.push(`${message.request === first ? 'first' : 'second'} ${message.type} ${worker}`);
        }),
      );
      const request = { promptIds: longIds, maxTokens: 1, partition: [200, 400] };
      const results = await Promise.all([engine.complete(request), engine.complete(request)]);
      expect(results[1]?.tokenIds).toEqual(results[0]?.tokenIds);
      expect(news.indexOf('second progress 0')).toBeLessThan(news.indexOf('first prefilled 1'));
    } finally {
      await engine.close();
    }
  });

  test('a cancel in mid-prefill puts the request down on every rank, before its next layer but one', async () => {
    const engine = await load({
      model: 'synthetic:tinyllama-1.1b,layers=4,vocab=300',
      workers: 2,
      chunkTokens: 64,
    });
    try {
      const stop = new AbortController();
      const lastLayers = [0, 0];
      let stoppedAt = [Infinity, Infinity];
      const ended = engine.workers.map(
        ({ handle }, worker) =>
          new Promise<void>((resolve) => {
            handle.listen((message) => {
              if (message.type === 'progress') lastLayers[worker] = message.layer;
              if (message.type === 'finished' && message.reason === 'cancelled') resolve();
              if (message.type !== 'progress' || stop.signal.aborted) return;
              stoppedAt = [...lastLayers];
              stop.abort();
            });
          }),
      );
      const request = { promptIds: longIds, maxTokens: 1, partition: [300, 300], signal: stop.signal };
      await expect(engine.complete(request)).rejects.toMatchObject({ code: 'CANCELLED' });
      await Promise.all(ended);
      lastLayers.forEach((layer, worker) => expect(layer - (stoppedAt[worker] ?? 0)).toBeLessThanOrEqual(1));
    } finally {
      await engine.close();
    }
  });
});
