/**
 * Requests whose worker is killed at a chosen step, with real processes: each goes on from the token where it stood, with the tokens
 * that it has when nothing happens, none twice and none missing; or it ends in one typed error.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  Engine,
  type EngineOptions,
  type GenerateEvent,
  type GenerateRequest,
  type GenerationResult,
  type KvrError,
} from '../src/index.js';
import { type Heard, HeardMessages } from './support/heard.js';
import { eventsOf, liveServer, post } from './support/live-server.js';
import { LONG_CHUNK_TOKENS, longPrompt, saveLongLlama } from './support/long-llama.js';
import { saveTalkingLlama } from './support/talking-llama.js';
import { until } from './support/until.js';

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-recovery-'));
  await saveTalkingLlama(join(folder, 'talking'));
  await saveLongLlama(join(folder, 'long'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(
  model: 'talking' | 'long',
  workers: number,
  more: Partial<EngineOptions> = {},
): Promise<Engine> {
  const chunks = { chunkTokens: LONG_CHUNK_TOKENS };
  const all = { model: join(folder, model), workers, threads: 1, calibrate: false, cacheDir: folder };
  return Engine.load({ ...all, ...chunks, ...more });
}

/** One for the tests of a group, each of which begins with all workers. */
function sharedEngine(...options: Parameters<typeof load>): () => Engine {
  let engine: Engine;
  beforeAll(async () => {
    engine = await load(...options);
  });
  beforeEach(() => until(() => engine.workers.length === options[1], 'all workers to be there'));
  afterAll(() => engine.close());
  return () => engine;
}

/** Kills a worker once, at the first message that is the right one. @returns whether it was killed */
function killAt(engine: Engine, rank: number, isMoment: (heard: Heard, all: HeardMessages) => boolean) {
  const pid = engine.workers[rank]?.ready.pid ?? 0;
  let isKilled = false;
  const all: HeardMessages = new HeardMessages(engine, (heard) => {
    if (!isKilled && isMoment(heard, all)) isKilled = process.kill(pid, 'SIGKILL');
  });
  return { stop: () => all.stop(), isKilled: () => isKilled };
}

const inPrefillOf =
  (rank: number) =>
  ({ worker, message }: Heard): boolean =>
    worker === rank && message.type === 'progress';
const atToken =
  (count: number) =>
  (_: Heard, all: HeardMessages): boolean =>
    all.count('token') >= count;

type Told = { readonly result: GenerationResult; readonly events: readonly GenerateEvent[] };

async function answerOf(engine: Engine, request: GenerateRequest): Promise<Told> {
  const events: GenerateEvent[] = [];
  for await (const event of engine.generate(request)) events.push(event);
  const last = events.at(-1);
  if (last?.type !== 'done') throw new Error('a generation ended without a result');
  return { result: last.result, events };
}

/** What listeners were told of an answer, but for when. */
function heardOf({ events }: Told): unknown[] {
  return events.flatMap((event) =>
    event.type === 'token' ? [{ id: event.id, text: event.text, logprobs: event.logprobs }] : [],
  );
}

/** The same request without a fault and with one, which it must have met. */
async function unhurtAndHurt(
  engine: Engine,
  request: GenerateRequest,
  rank: number,
  isMoment: (heard: Heard, all: HeardMessages) => boolean,
): Promise<[unhurt: Told, hurt: Told]> {
  const unhurt = await answerOf(engine, request);
  const kill = killAt(engine, rank, isMoment);
  const hurt = await answerOf(engine, request).finally(kill.stop);
  expect(kill.isKilled()).toBe(true);
  expect([unhurt.result.recoveries, hurt.result.recoveries]).toEqual([0, 1]);
  expect(hurt.result.recoveryMs).toBeGreaterThan(0);
  return [unhurt, hurt];
}

function expectSame(unhurt: Told, hurt: Told): void {
  const { tokenIds, text, finishReason, promptTokens, completionTokens } = unhurt.result;
  expect(hurt.result).toMatchObject({ tokenIds, text, finishReason, promptTokens, completionTokens });
  expect(heardOf(hurt)).toEqual(heardOf(unhurt));
}

/** Long enough that a kill in its first half comes before its end. */
const MANY_TOKENS = 150;
const PROMPT = 'Of what a worker has told, nothing is lost when it dies: '.repeat(4);
const SAMPLED = { temperature: 1.2, topP: 0.95, seed: 11 };
const KINDS: Readonly<Record<string, GenerateRequest>> = {
  greedy: {},
  sampled: { sampling: SAMPLED },
  'with penalties': {
    sampling: { ...SAMPLED, repetitionPenalty: 1.2, frequencyPenalty: 0.4, presencePenalty: 0.2 },
  },
  'held to a schema': {
    jsonSchema: {
      type: 'array',
      items: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
      minItems: 40,
    },
    sampling: SAMPLED,
  },
};

/** A chain's first rank, one in its middle and its last, of which some are left; and one of which only one is. */
const KILLED = { 2: [1], 3: [0, 1, 2] } as const;

describe.each([2, 3] as const)('a request of %i workers of which one is killed', (workers) => {
  const engine = sharedEngine('talking', workers);
  const request = { prompt: PROMPT.repeat(4), maxTokens: 20, partition: 'e', sampling: SAMPLED } as const;

  test.each(KILLED[workers])('in prefill of rank %i', async (rank) => {
    expectSame(...(await unhurtAndHurt(engine(), request, rank, inPrefillOf(rank))));
  });

  test('in decode', async () => {
    const long = { ...request, maxTokens: MANY_TOKENS };
    expectSame(...(await unhurtAndHurt(engine(), long, workers - 1, atToken(30))));
  });
});

describe('what goes on after a kill in decode', () => {
  const engine = sharedEngine('talking', 2);
  const asked = { prompt: PROMPT, maxTokens: MANY_TOKENS, partition: 'e' } as const;

  test.each(Object.entries(KINDS))('%s', async (_, kind) => {
    expectSame(...(await unhurtAndHurt(engine(), { ...asked, ...kind }, 1, atToken(25))));
  });

  test('in decode, a rank that is done: nothing is to be recovered from', async () => {
    const unhurt = await answerOf(engine(), asked);
    const kill = killAt(engine(), 0, (_, all) => all.workersThatSaid('token').length > 0);
    const hurt = await answerOf(engine(), asked).finally(kill.stop);
    expect([kill.isKilled(), hurt.result.recoveries]).toEqual([true, 0]);
    expectSame(unhurt, hurt);
  });

  test('log-probabilities and the text that a stop string holds back', async () => {
    const sampling = { ...SAMPLED, topLogprobs: 3 };
    const { result } = await answerOf(engine(), { ...asked, sampling });
    // The first text of its length that comes only late.
    const from = Array.from(result.text, (_, at) => at).find(
      (at) => at > result.text.length / 2 && result.text.indexOf(result.text.slice(at, at + 6)) === at,
    );
    const stop = result.text.slice(from ?? 0, (from ?? 0) + 6);
    const request = { ...asked, sampling: { ...SAMPLED }, stop: [stop] };
    const [unhurt, hurt] = await unhurtAndHurt(engine(), request, 1, atToken(25));
    expectSame(unhurt, hurt);
    expect([hurt.result.finishReason, hurt.result.text]).toEqual(['stop', result.text.slice(0, from)]);
    const [one, other] = await unhurtAndHurt(engine(), { ...asked, sampling }, 1, atToken(25));
    expect(other.result.tokenIds).toEqual(one.result.tokenIds);
    const logprobs = ({ events }: Told): number[] =>
      events.flatMap((event) => (event.type === 'token' && event.logprobs ? [event.logprobs.logprob] : []));
    expect(logprobs(one)).toHaveLength(MANY_TOKENS);
    logprobs(other).forEach((logprob, at) => expect(logprob).toBeCloseTo(logprobs(one)[at] as number, 4));
  });

  test('both answers of one HTTP request, as one stream', async () => {
    const { server, url } = await liveServer(engine());
    try {
      const body = { prompt: PROMPT, n: 2, seed: 5, temperature: 1, max_tokens: MANY_TOKENS, stream: true };
      const texts = async (): Promise<string[]> => {
        const { data } = eventsOf(await (await post(`${url}/v1/completions`, body)).text());
        expect(data.at(-1)).toBe('[DONE]');
        type Chunk = { choices: { index: number; text: string }[] };
        const choices = data.slice(0, -1).flatMap((chunk) => (chunk as Chunk).choices);
        return [0, 1].map((index) =>
          choices.flatMap((choice) => (choice.index === index ? [choice.text] : [])).join(''),
        );
      };
      const unhurt = await texts();
      const kill = killAt(engine(), 1, atToken(50));
      expect(await texts().finally(kill.stop)).toEqual(unhurt);
      expect(kill.isKilled()).toBe(true);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(/^kvr_request_recoveries_total [12]$/m);
      type Records = { requests: { recoveries?: number; recoveryMs?: number }[] };
      const { requests } = (await (await fetch(`${url}/kvr/requests`)).json()) as Records;
      expect(requests.some(({ recoveries, recoveryMs }) => recoveries === 1 && (recoveryMs ?? 0) > 0)).toBe(
        true,
      );
    } finally {
      await server.close();
    }
  });

  test('many requests at once, each with its own tokens', async () => {
    const requests = Array.from({ length: 4 }, (_, seed) => ({
      ...asked,
      prompt: `${seed} ${PROMPT}`,
      sampling: { temperature: 1, seed },
    }));
    const alone = [];
    for (const request of requests) alone.push((await engine().complete(request)).tokenIds);
    const kill = killAt(engine(), 1, atToken(60));
    const together = await Promise.all(requests.map((request) => engine().complete(request))).finally(
      kill.stop,
    );
    expect(together.map(({ tokenIds }) => tokenIds)).toEqual(alone);
    expect(together.some(({ recoveries }) => recoveries > 0)).toBe(true);
  });

  test('on the other worker nothing of it is felt', async () => {
    const on = (name: string): GenerateRequest => ({
      ...asked,
      chain: { workers: [name] },
      partition: 'auto',
    });
    const [first = '', second = ''] = engine().workers.map(({ handle }) => handle.id);
    const kill = killAt(engine(), 1, atToken(60));
    const [beside, hit] = await Promise.all([engine().complete(on(first)), engine().complete(on(second))]);
    kill.stop();
    // The one that was hit waited for its own worker, which it had named.
    expect([beside.recoveries, hit.recoveries]).toEqual([0, 1]);
    expect([beside.plan.chain, hit.plan.chain]).toEqual([[first], [second]]);
    expect(beside.tokenIds).toEqual(hit.tokenIds);
  });
});

describe.each(['w8a8', 'q8'] as const)('with %s weights', (dtype) => {
  const engine = sharedEngine('talking', 2, { dtype });

  test('an answer goes on with the same numbers, to the last digit', async () => {
    const sampling = { ...SAMPLED, topLogprobs: 2 };
    const request = { prompt: PROMPT, maxTokens: MANY_TOKENS, partition: 'e', sampling } as const;
    expectSame(...(await unhurtAndHurt(engine(), request, 1, atToken(50))));
  });
});

test('rows that a worker that is left has kept are used', async () => {
  const engine = await load('talking', 2, { prefixCacheBytes: 50e6 });
  try {
    const [first = ''] = engine.workers.map(({ handle }) => handle.id);
    const prompt = PROMPT.repeat(3);
    await engine.complete({ prompt, maxTokens: 4, chain: { workers: [first] } });
    const kill = killAt(engine, 1, atToken(30));
    const request = { prompt, maxTokens: MANY_TOKENS, partition: 'e' as const };
    const { result } = await answerOf(engine, request).finally(kill.stop);
    expect(kill.isKilled()).toBe(true);
    expect(result.recoveries).toBe(1);
    expect(result.plan.chain[0]).toBe(first);
    expect(result.cachedTokens).toBeGreaterThan(result.promptTokens / 3);
  } finally {
    await engine.close();
  }
});

describe('a request that is being recovered', () => {
  const engine = sharedEngine('long', 1, { retries: 2 });
  const endless: GenerateRequest = { promptIds: longPrompt(40), maxTokens: 60_000 };
  const short: GenerateRequest = { promptIds: longPrompt(12), maxTokens: 3 };

  /** Kills the worker at a token, and acts while the request has none. @returns the error that it ends in */
  async function errorWhileLost(request: GenerateRequest, act: () => void, to = engine()): Promise<KvrError> {
    const [worker] = to.workers;
    let isKilled = false;
    void worker?.handle.ended.then(act);
    try {
      for await (const event of to.generate(request))
        if (event.type === 'token' && !isKilled) isKilled = process.kill(worker?.ready.pid ?? 0, 'SIGKILL');
    } catch (error) {
      return error as KvrError;
    }
    throw new Error('the request did not fail');
  }

  test('ends at once when it is cancelled, and leaves nothing behind', async () => {
    const controller = new AbortController();
    const cancelled = errorWhileLost({ ...endless, signal: controller.signal }, () => controller.abort());
    expect(await cancelled).toMatchObject({ code: 'CANCELLED' });
    await until(() => engine().load.running === 0, 'its workers to put it down');
    expect((await engine().complete(short)).tokenIds).toHaveLength(3);
  });

  test('keeps its deadline', async () => {
    const late = await errorWhileLost({ ...endless, deadlineMs: 2_000 }, () => undefined);
    expect(late).toMatchObject({ code: 'DEADLINE' });
    await until(() => engine().load.running === 0, 'its workers to put it down');
  });

  test('ends with the engine', async () => {
    const other = await load('long', 1);
    const closing: Promise<void>[] = [];
    const closed = await errorWhileLost(endless, () => void closing.push(other.close()), other);
    expect(closed).toMatchObject({ code: 'CLOSED' });
    await Promise.all(closing);
  });

  test('and ends every worker it meets is given up, after which others are answered', async () => {
    const poison: GenerateRequest = { promptIds: longPrompt(3_000), maxTokens: 2 };
    const killed = new Set<number>();
    const watched = new Set<unknown>();
    const watch = setInterval(() => {
      for (const { handle, ready } of engine().workers) {
        if (watched.has(handle)) continue;
        watched.add(handle);
        handle.listen((message) => {
          if (message.type === 'progress' && !killed.has(ready.pid) && process.kill(ready.pid, 'SIGKILL'))
            killed.add(ready.pid);
        });
      }
    }, 1);
    const error = await engine()
      .complete(poison)
      .catch((thrown: unknown) => thrown)
      .finally(() => clearInterval(watch));
    expect(error).toMatchObject({ code: 'LOST_TOO_OFTEN', fields: { runs: 3, lastCode: 'WORKER_DIED' } });
    expect(killed.size).toBe(3);
    await until(() => engine().workers.length === 1, 'the worker to be back');
    expect((await engine().complete(short)).tokenIds).toHaveLength(3);
  });
});

describe('workers that a request names', () => {
  const engine = sharedEngine('talking', 3);

  test('are those it runs on, in chain order', async () => {
    const [first = '', , third = ''] = engine().workers.map(({ handle }) => handle.id);
    const request = { prompt: PROMPT, maxTokens: 2, partition: 'e' } as const;
    const { plan, workers } = await engine().complete({ ...request, chain: { workers: [third, first] } });
    expect([plan.chain, workers]).toEqual([[first, third], 2]);
    expect((await engine().complete({ ...request, chain: { workers: 1 } })).workers).toBe(1);
    expect((await engine().complete({ ...request, chain: { workers: 'auto' } })).workers).toBe(3);
  });

  test('must be there', async () => {
    const request = { prompt: 'a', maxTokens: 1, chain: { workers: ['nobody'] } };
    await expect(engine().complete(request)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'chain: there is no worker nobody; there are local-0, local-1, local-2',
    });
    const twice = { prompt: 'a', maxTokens: 1, workers: 1, chain: { workers: 1 } };
    await expect(engine().complete(twice)).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});
