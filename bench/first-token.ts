/**
 * What a second worker brings on one machine: time to the first token of one worker with one thread, one with two, and
 * two with one, taking turns, and where the two spent it:
 *   ROUNDS=5 TOKENS=2048 DTYPE=f32 npx vitest run --config bench/vitest.config.ts first-token
 */
import { Engine, type GenerationResult } from 'kv-runahead';
import { test } from 'vitest';
import { median } from '../src/core/statistics.js';

const MODEL = process.env['MODEL'] ?? 'synthetic:tinyllama-1.1b,layers=8';
const DTYPE = (process.env['DTYPE'] ?? 'f32') as 'f32';
const TOKENS = Number(process.env['TOKENS'] ?? 2048);
const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const SET_UPS = [
  { workers: 1, threads: 1 },
  { workers: 1, threads: 2 },
  { workers: 2, threads: 1 },
];

test(`first token of ${TOKENS} tokens`, { timeout: 3_600_000 }, async () => {
  const engines: Engine[] = [];
  for (const each of SET_UPS) engines.push(await Engine.load({ model: MODEL, dtype: DTYPE, ...each }));
  const results = engines.map((): GenerationResult[] => []);
  // The first round is thrown away: caches are filled, plans learn what a request costs.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, engine] of engines.entries()) {
      const result = await engine.complete({ promptIds: promptOf(engine, round), maxTokens: 1 });
      if (round > 0) results[index]?.push(result);
    }
  }
  for (const engine of engines) await engine.close();
  report(results);
});

/** Other tokens every round. */
function promptOf(engine: Engine, round: number): number[] {
  const { vocabulary } = engine.model.shape;
  return Array.from({ length: TOKENS }, (_, index) => (index * 7919 + round * 31) % vocabulary);
}

function report(results: readonly GenerationResult[][]): void {
  const ttftMs = results.map((runs) => median(runs.map((run) => run.ttftMs)));
  const [slowMs = 0, oneMs = 0, twoMs = 1] = ttftMs;
  const two = results[2] ?? [];
  console.log(`${MODEL}, ${DTYPE}, ${TOKENS} tokens, medians of ${ROUNDS} interleaved runs (measured)`);
  for (const [index, { workers, threads }] of SET_UPS.entries()) {
    const runs = results[index] ?? [];
    const all = runs.map((run) => run.ttftMs.toFixed(0)).join(' ');
    console.log(
      `${workers} × ${threads}: ${ttftMs[index]?.toFixed(0)} ms, ${((1e3 * TOKENS) / (ttftMs[index] ?? 1)) | 0} tokens/s (${all})`,
    );
  }
  console.log(
    `2 × 1 is ${(oneMs / twoMs).toFixed(2)} times as fast as 1 × 2, ${(slowMs / twoMs).toFixed(2)} times as 1 × 1`,
  );
  console.log(`2 × 1 cut at ${two.map(({ partition }) => partition.join('+')).join(' ')}`);
  console.log(`the second rank waited ${percent(median(two.map(waitShare)))} of its time`);
  console.log(
    `not inside sessions: ${results.map((runs) => percent(median(runs.map(outsideShare)))).join(', ')} of TTFT`,
  );
}

function waitShare({ timeline }: GenerationResult): number {
  const last = timeline.at(-1);
  return last ? last.waitMs / last.totalMs : 0;
}

/** Waiting for other ranks is counted apart. */
function outsideShare({ timeline, ttftMs }: GenerationResult): number {
  const last = timeline.at(-1);
  return last ? 1 - (last.computeMs + last.waitMs) / ttftMs : 1;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
