/**
 * What plans predict beside what then happens: one and two workers, several lengths and dtypes, warm, in turn.
 */
import { formatPlural } from '../src/cli/terminal/format.js';
import { defined } from '../src/cli/flags/defined.js';
import type { Dtype } from '../src/core/shape.js';
import { middleOf, type MedianRange, medianRange } from '../src/core/statistics.js';
import { benchPrompt } from '../src/evaluation/prompts/bench-prompt.js';
import { Engine, type GenerationResult } from '../src/index.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import {
  cacheDirFlag,
  contextsFlag,
  dtypesFlag,
  modelFlag,
  repeatsFlag,
  seedFlag,
  workerCountsFlag,
} from './runner/flags.js';
import { type RankRow, rankTable, rankTimes } from './runner/rank-times.js';
import { runInTurn } from './runner/rounds.js';
import { columnsOf, percentWords, rangeWords, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly context: readonly number[];
  readonly dtype: readonly Dtype[];
  readonly workers: readonly number[];
  readonly repeats: number;
  readonly seed: number;
  readonly cacheDir?: string;
};

/** One row to be: an engine and a length. */
type Cell = { readonly engine: Engine; readonly contextTokens: number; readonly calibratedMs: number };

type Row = {
  readonly dtype: Dtype;
  readonly workers: number;
  readonly threads: number;
  readonly contextTokens: number;
  readonly partition: readonly number[];
  /** Predicted from the calibration alone, before any request. */
  readonly calibratedTtftMs: number;
  /** Predicted for the run in the middle, once costs had followed earlier runs. */
  readonly predictedTtftMs: number;
  readonly ttftMs: MedianRange;
  /** predicted / measured − 1. */
  readonly off: number;
  readonly ranks: readonly RankRow[];
};

const MOST_OFF = 0.1;

export const prediction: Benchmark<Flags> = {
  name: 'prediction',
  summary: 'predicted times to the first token beside measured ones',
  details: `"Calibrated" is predicted from the measurement at the start alone, before any request; "predicted" for the very request that was
measured, once costs have followed a warm-up of every length. A prediction that is off by more than 10 % is a goal missed.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=8,vocab=4096,context=4200'),
    dtypesFlag(['f32', 'w8a8']),
    contextsFlag([512, 2048, 4096]),
    workerCountsFlag([1, 2]),
    repeatsFlag(3),
    seedFlag(),
    cacheDirFlag(),
  ],
  run: runPrediction,
};

async function runPrediction(flags: Flags, context: BenchContext): Promise<Report> {
  const rows: Row[] = [];
  for (const dtype of flags.dtype) rows.push(...(await measure(flags, dtype, context)));
  const title = `${flags.model}, medians of ${formatPlural(flags.repeats, 'round')} in turn, in ms`;
  const missed = rows
    .filter(({ off }) => Math.abs(off) > MOST_OFF)
    .map((row) => `${nameOf(row)}: off by ${percentWords(row.off)}, at most ${percentWords(MOST_OFF)}`);
  return {
    tables: [
      tableOf({ name: 'predictions', title, label: 'measured' }, COLUMNS, rows),
      rankTable(rows.flatMap(({ ranks }) => ranks)),
    ],
    missed,
  };
}

async function measure(flags: Flags, dtype: Dtype, { note }: BenchContext): Promise<Row[]> {
  const { model, workers: counts, context, repeats, seed, cacheDir } = flags;
  const engines: Engine[] = [];
  try {
    for (const workers of counts)
      engines.push(
        await Engine.load({ model, workers, dtype, calibrate: 'fresh', ...defined({ cacheDir }) }),
      );
    const cells: Cell[] = [];
    for (const engine of engines) for (const tokens of context) cells.push(await openCell(engine, tokens));
    const results = await runInTurn(cells, repeats, ({ engine, contextTokens }, round) => {
      note(`${dtype}, round ${round} of ${repeats}, ${engine.workers.length} × ${contextTokens} tokens`);
      const promptIds = benchPrompt(contextTokens, engine.model.shape.vocabulary, seed);
      return engine.complete({ promptIds, maxTokens: 1 });
    });
    return cells.map((cell, at) => rowOf(dtype, cell, results[at] ?? []));
  } finally {
    for (const engine of engines) await engine.close();
  }
}

async function openCell(engine: Engine, contextTokens: number): Promise<Cell> {
  const { predictedTtftMs } = await engine.partition({}, contextTokens);
  return { engine, contextTokens, calibratedMs: predictedTtftMs ?? NaN };
}

function rowOf(
  dtype: Dtype,
  { engine, contextTokens, calibratedMs }: Cell,
  runs: readonly GenerationResult[],
): Row {
  const middle = middleOf(runs, ({ ttftMs }) => ttftMs);
  const predictedTtftMs = middle.predictedTtftMs ?? NaN;
  const workers = engine.workers.length;
  const run = nameOf({ dtype, workers, contextTokens });
  return {
    ...{ dtype, workers, contextTokens, predictedTtftMs },
    threads: engine.workers[0]?.ready.threads ?? 1,
    partition: middle.partition,
    calibratedTtftMs: calibratedMs,
    ttftMs: medianRange(runs.map(({ ttftMs }) => ttftMs)),
    off: predictedTtftMs / middle.ttftMs - 1,
    ranks: rankTimes(middle).map((times) => ({ ...times, run })),
  };
}

function nameOf({ dtype, workers, contextTokens }: Pick<Row, 'dtype' | 'workers' | 'contextTokens'>): string {
  return `${dtype}, ${workers} × ${contextTokens} tokens`;
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('dtype', ({ dtype }) => dtype),
  words('workers × threads', ({ workers, threads }) => `${workers} × ${threads}`),
  figure('context', ({ contextTokens }) => contextTokens),
  words('cut', ({ partition }) => partition.join()),
  figure('calibrated (predicted)', ({ calibratedTtftMs }) => calibratedTtftMs),
  figure('predicted', ({ predictedTtftMs }) => predictedTtftMs),
  figure('TTFT', ({ ttftMs }) => ttftMs.median),
  words('min – max', ({ ttftMs }) => rangeWords(ttftMs)),
  words('off', ({ off }) => percentWords(off)),
];
