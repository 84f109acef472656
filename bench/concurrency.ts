/**
 * Many requests at once, measured: 16 clients with requests of mixed lengths against one at a time, a running stream
 * while a long prompt is read, a cancel in mid-prefill, and the second turn of a long chat. Prints one JSON document.
 *   MODEL=synthetic:tinyllama-1.1b,layers=4,vocab=4000 WORKERS=2 npx vitest run --config bench/vitest.config.ts concurrency
 */
import { Engine, type GenerateRequest, type GenerationResult } from 'kv-runahead';
import { test } from 'vitest';
import { quantile } from '../src/core/statistics.js';
import { seededRandom } from '../test/reference/random.js';

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const MODEL = process.env['MODEL'] ?? 'synthetic:tinyllama-1.1b,layers=4,vocab=4000';
const DTYPE = (process.env['DTYPE'] ?? 'f32') as 'f32';
const WORKERS = number('WORKERS', 2);
const THREADS = number('THREADS', 1);
const REQUESTS = number('REQUESTS', 200);
const CLIENTS = number('CLIENTS', 16);
const LONG_TOKENS = number('LONG_TOKENS', 4096);
/** Any of them; what is left out is not run. */
const PARTS = new Set((process.env['PARTS'] ?? 'many,stream,cancel,chat').split(','));
const PROMPT_TOKENS = [16, 512] as const;
const NEW_TOKENS = [8, 32] as const;

const random = seededRandom(1);
const between = (least: number, most: number): number => least + random.below(most - least + 1);
/** Evenly on a scale of factors: many short ones, a few long ones. */
const mixed = ([least, most]: readonly [number, number]): number =>
  Math.round(least * (most / least) ** (between(0, 1000) / 1000));
const ids = (tokens: number): number[] => Array.from({ length: tokens }, () => random.below(1000));

const figures = (values: readonly number[]): Record<string, number> => ({
  p50: Math.round(quantile(values, 0.5)),
  p95: Math.round(quantile(values, 0.95)),
  max: Math.round(Math.max(...values)),
});

function load(prefixCacheBytes = 0): Promise<Engine> {
  return Engine.load({ model: MODEL, dtype: DTYPE, workers: WORKERS, threads: THREADS, prefixCacheBytes });
}

async function manyRequests(engine: Engine): Promise<object> {
  const requests: GenerateRequest[] = Array.from({ length: REQUESTS }, () => ({
    promptIds: ids(mixed(PROMPT_TOKENS)),
    maxTokens: mixed(NEW_TOKENS),
  }));
  const alone = await atOnce(engine, requests, 1);
  const together = await atOnce(engine, requests, CLIENTS);
  const differing = together.results.filter(
    ({ tokenIds }, index) => tokenIds.join() !== alone.results[index]?.tokenIds.join(),
  ).length;
  return {
    requests: REQUESTS,
    clients: CLIENTS,
    lost: REQUESTS - together.results.length,
    differing,
    alone: summary(alone),
    together: summary(together),
    throughputGain: Number((alone.ms / together.ms).toFixed(2)),
  };
}

type Round = { readonly results: GenerationResult[]; readonly ms: number };

async function atOnce(engine: Engine, requests: readonly GenerateRequest[], clients: number): Promise<Round> {
  const results: GenerationResult[] = [];
  const startMs = performance.now();
  let next = 0;
  const client = async (): Promise<void> => {
    for (let index = next++; index < requests.length; index = next++)
      results[index] = await engine.complete(requests[index] as GenerateRequest);
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { results, ms: performance.now() - startMs };
}

function summary({ results, ms }: Round): object {
  const tokens = results.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  return {
    seconds: Number((ms / 1000).toFixed(1)),
    ttftMs: figures(results.map(({ ttftMs, queueMs }) => ttftMs + queueMs)),
    tokensPerSecond: Math.round((1000 * tokens) / ms),
  };
}

/** Gaps between the tokens of a stream, alone and while a long prompt is read. */
async function streamBesidePrompt(engine: Engine): Promise<object> {
  const stop = new AbortController();
  const times: number[] = [];
  const stream = (async () => {
    const request = { promptIds: ids(64), maxTokens: 1900, signal: stop.signal };
    for await (const event of engine.generate(request))
      if (event.type === 'token') times.push(performance.now());
  })().catch(() => undefined);
  while (times.length < 40) await new Promise((resolve) => setTimeout(resolve, 5));
  const startMs = performance.now();
  const long = await engine.complete({ promptIds: ids(LONG_TOKENS), maxTokens: 1 });
  const endMs = performance.now();
  stop.abort();
  await stream;
  const gapsIn = (from: number, to: number): number[] =>
    times.flatMap((time, index) =>
      index > 0 && time > from && time < to ? [time - (times[index - 1] ?? 0)] : [],
    );
  const alone = await engine.complete({ promptIds: ids(LONG_TOKENS), maxTokens: 1 });
  return {
    longPromptTokens: LONG_TOKENS,
    gapMsAlone: figures(gapsIn(0, startMs)),
    gapMsBeside: figures(gapsIn(startMs, endMs)),
    tokensBeside: gapsIn(startMs, endMs).length,
    longestCallBeside: longestCall(long),
    longTtftMsBeside: Math.round(long.ttftMs),
    longTtftMsAlone: Math.round(alone.ttftMs),
  };
}

/** The kernel call of a prompt that held its worker longest. */
function longestCall({ timeline }: GenerationResult): object | undefined {
  const calls = timeline.flatMap(({ rank, events }) =>
    events
      .filter(({ kind }) => kind !== 'wait' && kind !== 'send')
      .map(({ kind, layer, startMs, endMs }) => ({ rank, kind, layer, ms: Math.round(endMs - startMs) })),
  );
  return calls.sort((a, b) => b.ms - a.ms)[0];
}

/** From a cancel in mid-prefill until each rank has put the request down. */
async function cancelInPrefill(engine: Engine): Promise<object> {
  const layerMs = await (async () => {
    const { timeline } = await engine.complete({ promptIds: ids(LONG_TOKENS), maxTokens: 1, partition: 'e' });
    return timeline.map(({ totalMs }) => Math.round(totalMs / engine.model.shape.layers));
  })();
  const idleMs: number[] = [];
  for (let repeat = 0; repeat < 5; repeat++) {
    const stop = new AbortController();
    let stoppedMs = 0;
    const ended = engine.workers.map(
      ({ handle }) =>
        new Promise<void>((resolve) => {
          const ignore = handle.listen((message) => {
            if (message.type !== 'finished' || message.reason !== 'cancelled') return;
            idleMs.push(performance.now() - stoppedMs);
            ignore();
            resolve();
          });
        }),
    );
    const request = {
      promptIds: ids(LONG_TOKENS),
      maxTokens: 1,
      partition: 'e',
      signal: stop.signal,
    } as const;
    try {
      for await (const event of engine.generate(request)) {
        if (event.type !== 'prefill' || event.fraction < 0.3 || stop.signal.aborted) continue;
        stoppedMs = performance.now();
        stop.abort();
      }
    } catch {
      await Promise.all(ended);
    }
  }
  return { layerMsByRank: layerMs, idleAfterCancelMs: figures(idleMs), measured: idleMs.length };
}

async function secondTurn(): Promise<object> {
  const engine = await load(2 ** 31);
  try {
    const first = ids(4000);
    const before = await engine.complete({ promptIds: first, maxTokens: 32 });
    const turn = [...first, ...before.tokenIds, ...ids(64)];
    const after = await engine.complete({ promptIds: turn, maxTokens: 8 });
    const without = await engine.complete({ promptIds: turn, maxTokens: 8, prefixCache: false });
    return {
      firstTtftMs: Math.round(before.ttftMs),
      secondTtftMs: Math.round(after.ttftMs),
      share: Number((after.ttftMs / before.ttftMs).toFixed(3)),
      cachedTokens: after.cachedTokens,
      predictedTtftMs: after.predictedTtftMs,
      withoutTtftMs: Math.round(without.ttftMs),
      sameTokens: after.tokenIds.join() === without.tokenIds.join(),
    };
  } finally {
    await engine.close();
  }
}

test('many requests at once', { timeout: 3_600_000 }, async () => {
  const engine = await load();
  const report: Record<string, unknown> = { model: MODEL, dtype: DTYPE, workers: WORKERS, threads: THREADS };
  try {
    await engine.complete({ promptIds: ids(600), maxTokens: 4 });
    if (PARTS.has('many')) report['many'] = await manyRequests(engine);
    if (PARTS.has('stream')) report['stream'] = await streamBesidePrompt(engine);
    if (PARTS.has('cancel')) report['cancel'] = await cancelInPrefill(engine);
  } finally {
    await engine.close();
  }
  if (PARTS.has('chat')) report['chat'] = await secondTurn();
  console.log(JSON.stringify({ label: 'measured', ...report }, null, 1));
});
