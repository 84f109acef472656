import { expect, test } from 'vitest';
import { benchPrompt } from '../prompts/bench-prompt.js';
import { type CellKey, type CellRuns, summarise } from './cells.js';
import { FirstTokens } from './first-tokens.js';
import { lanesOf, type MeasuredBenchOptions } from './measured-bench.js';
import { BENCH_STRATEGIES, type BenchStrategyName, inTableOrder } from './strategies.js';

function cell(
  strategy: BenchStrategyName,
  workers: number,
  times: number[],
  more: Partial<CellKey> = {},
): CellRuns {
  const rank = {
    rank: 0,
    slice: [0, 8] as const,
    totalMs: 9,
    waitMs: 0,
    sentBytes: 0,
    receivedBytes: 0,
    events: [],
  };
  return {
    key: { strategy, workers, threads: 1, contextTokens: 512, ...more },
    runs: times.map((ttftMs) => ({
      ttftMs,
      predictedTtftMs: ttftMs + 1,
      partition: [ttftMs],
      firstToken: 7,
      timeline: [{ ...rank, computeMs: 8, attentionMs: 2 }],
    })),
  };
}

const TYPES = { dtype: 'f32', kvDtype: 'f32' } as const;

test('medians, and the run in the middle stands for the rest', () => {
  const [only] = summarise([cell('kvr', 2, [50, 10, 30])], 'measured', TYPES);
  expect(only).toMatchObject({
    partition: [30],
    predictedTtftMs: 31,
    runsMs: [50, 10, 30],
    attentionShare: 0.25,
  });
});

test('speedups are over the baselines of the same context, workers, threads and link', () => {
  const link = { latencyMs: 1, bytesPerS: 1e9, frameBytes: 1 };
  const cells = [
    cell('single', 1, [100]),
    cell('single', 1, [60], { threads: 2 }),
    cell('single', 1, [900], { contextTokens: 1024 }),
    cell('tsp-dense', 2, [90]),
    cell('tsp', 2, [80]),
    cell('tsp', 2, [70], { link }),
    cell('kvr', 2, [50]),
    cell('kvr', 2, [35], { link }),
    cell('kvr', 4, [25]),
  ];
  const speedups = summarise(cells, 'measured', TYPES).map((one) => [
    one.speedupOverSingle,
    one.speedupOverTsp,
    one.speedupOverTspDense,
    one.speedupOverBestTsp,
  ]);
  expect(speedups[6]).toEqual([2, 1.6, 1.8, 1.6]);
  expect(speedups[7]).toEqual([100 / 35, 2, null, 2]);
  expect(speedups[8]).toEqual([4, null, null, null]);
  expect(speedups[0]?.[0]).toBe(1);
  expect(speedups[2]?.[0]).toBe(1);
});

test('an answer that differs from another of its context ends the bench, and says whose', () => {
  const tokens = new FirstTokens();
  tokens.check(512, 3, 'single');
  tokens.check(1024, 4, 'single');
  tokens.check(512, 3, 'kvr');
  expect(tokens.all).toEqual([
    { contextTokens: 512, firstToken: 3 },
    { contextTokens: 1024, firstToken: 4 },
  ]);
  expect(() => tokens.check(512, 5, 'tsp')).toThrow(
    /at 512 tokens tsp gave first token 5, but single gave 3/,
  );
});

test('prompts are inside the vocabulary, repeatable, and begin alike', () => {
  const long = benchPrompt(1000, 17, 4);
  expect(new Set(long).size).toBe(17);
  expect(long.every((id) => Number.isInteger(id) && id >= 0 && id < 17)).toBe(true);
  expect(benchPrompt(10, 17, 4)).toEqual(long.slice(0, 10));
  expect(benchPrompt(1000, 17, 5)).not.toEqual(long);
});

test('strategies come once each, in the order of tables', () => {
  expect(inTableOrder(['kvr', 'single', 'kvr'])).toEqual(['single', 'kvr']);
  expect(inTableOrder([...BENCH_STRATEGIES].reverse())).toEqual([...BENCH_STRATEGIES]);
});

function lanes(options: Partial<MeasuredBenchOptions>, threads?: number) {
  const engine = { model: 'm', ...(threads !== undefined && { threads }) };
  const base = {
    engine,
    strategies: ['single', 'kvr'] as const,
    contexts: [8],
    repeats: 1,
    seed: 0,
    workers: [2],
  };
  return lanesOf({ ...base, ...options }).map((lane) => [lane.workers, lane.threads, lane.strategies.join()]);
}

test('one engine a number of workers; single shares the one of one worker with as many threads', () => {
  expect(lanes({ workers: [1, 2] }, 1)).toEqual([
    [1, 1, 'single,kvr'],
    [2, 1, 'kvr'],
  ]);
  expect(lanes({ workers: [2] })).toEqual([
    [1, undefined, 'single'],
    [2, undefined, 'kvr'],
  ]);
  expect(lanes({ workers: [1, 2], singleThreads: [1, 2] }, 1)).toEqual([
    [1, 1, 'single,kvr'],
    [1, 2, 'single'],
    [2, 1, 'kvr'],
  ]);
  expect(lanes({ workers: [1, 2], strategies: ['single'] }, 1)).toEqual([[1, 1, 'single']]);
  expect(lanes({ workers: ['a:1', 'b:2'] }, 1)).toEqual([[['a:1', 'b:2'], undefined, 'single,kvr']]);
});
