/**
 * How near the chain comes to its kernels: time to the first token against the same worker processes' own block and
 * attention calls, of the same rows after the same prefixes, in a loop, on all workers at once:
 *   TOKENS=2048 DTYPE=w8a8 ROUNDS=5 npx vitest run --config bench/vitest.config.ts limit
 * The limit counts no embedding, no head, no first block and no copy: only what must be computed.
 */
import { Engine, type GenerationResult } from 'kv-runahead';
import { test } from 'vitest';

import type { ProbeSample } from '../src/worker/protocol/index.js';
import { chunksOf } from '../src/core/chunks/chunks.js';
import { median, middleOf } from '../src/core/statistics.js';

type Worker = Engine['workers'][number];

const MODEL = process.env['MODEL'] ?? 'synthetic:tinyllama-1.1b,layers=8';
const DTYPE = (process.env['DTYPE'] ?? 'f32') as 'f32';
const TOKENS = Number(process.env['TOKENS'] ?? 2048);
const ROUNDS = Number(process.env['ROUNDS'] ?? 5);

test(`share of the limit at ${TOKENS} tokens`, { timeout: 3_600_000 }, async () => {
  const engine = await Engine.load({ model: MODEL, dtype: DTYPE, workers: 2, threads: 1 });
  const promptIds = Array.from({ length: TOKENS }, (_, index) => (index * 7919) % 4000);
  const results: GenerationResult[] = [];
  const limits: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const result = await engine.complete({ promptIds, maxTokens: 1 });
    const limitMs = await measureLimitMs(engine, result.partition);
    if (round === 0) continue;
    results.push(result);
    limits.push(limitMs);
  }
  await engine.close();
  report(results, median(limits));
});

/** The slowest rank's calls. */
async function measureLimitMs(engine: Engine, partition: readonly number[]): Promise<number> {
  let start = 0;
  const ranks = partition.map((tokens, rank) => {
    const slice = { start, end: (start += tokens) };
    return rankLimitMs(engine.workers[rank] as Worker, slice, engine);
  });
  return Math.max(...(await Promise.all(ranks)));
}

async function rankLimitMs(
  worker: Worker,
  slice: { readonly start: number; readonly end: number },
  { model, settings }: Engine,
): Promise<number> {
  const calls = chunksOf(slice, settings.chunkTokens, []).map(({ start, end }) => ({
    tokens: end - start,
    prefixTokens: start,
  }));
  const probe = Math.floor(Math.random() * 2 ** 32);
  const blockTokens = [...new Set(calls.map(({ tokens }) => tokens))];
  const question = { type: 'probe', probe, blockTokens, attention: calls, repeats: 3 } as const;
  const { kvDtype } = settings;
  const { samples } = await worker.handle.ask(
    { ...question, blockTokens: [...blockTokens], attention: calls, kvDtype },
    'probed',
  );
  const onceMs = calls.reduce(
    (sum, call) => sum + blockMs(samples, call.tokens) + attentionMs(samples, call),
    0,
  );
  return onceMs * (model.shape.layers - 1);
}

const blockMs = (samples: readonly ProbeSample[], tokens: number): number =>
  median(samples.filter((each) => each.kind === 'block' && each.tokens === tokens).map(({ ms }) => ms));

function attentionMs(
  samples: readonly ProbeSample[],
  call: { tokens: number; prefixTokens: number },
): number {
  const { tokens, prefixTokens } = call;
  const same = samples.filter(
    (each) => each.kind === 'attention' && each.tokens === tokens && each.prefixTokens === prefixTokens,
  );
  return median(same.map(({ ms }) => ms));
}

function report(results: readonly GenerationResult[], limitMs: number): void {
  const middle = middleOf(results, (result) => result.ttftMs);
  const { ttftMs } = middle;
  console.log(`${MODEL}, ${DTYPE}, ${TOKENS} tokens, 2 × 1, medians of ${results.length} runs (measured)`);
  console.log(
    `TTFT ${ttftMs.toFixed(0)} ms, limit ${limitMs.toFixed(0)} ms: ${((100 * limitMs) / ttftMs).toFixed(1)} %`,
  );
  for (const { rank, slice, totalMs, waitMs, computeMs, attentionMs: ofIt, events } of middle.timeline) {
    const cacheMs = events.reduce(
      (sum, { kind, startMs, endMs }) => sum + (kind === 'cache' ? endMs - startMs : 0),
      0,
    );
    const restMs = totalMs - computeMs - waitMs - cacheMs;
    console.log(
      `rank ${rank} [${slice.join(',')}): blocks ${(computeMs - ofIt).toFixed(0)}, attention ${ofIt.toFixed(0)}, ` +
        `wait ${waitMs.toFixed(0)}, cache writes ${cacheMs.toFixed(0)}, the rest ${restMs.toFixed(0)} ms`,
    );
  }
}
