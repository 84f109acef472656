/**
 * What a second worker brings on one machine: time to the first token of one worker with one thread, one with two, and two with
 * one, in turn, and where they spent it.
 */
import { formatPlural } from '../src/cli/terminal/format.js';
import type { Dtype } from '../src/core/shape.js';
import { type MedianRange, medianRange } from '../src/core/statistics.js';
import { benchPrompt } from '../src/evaluation/prompts/bench-prompt.js';
import { Engine, type GenerationResult } from '../src/index.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { contextFlag, dtypeFlag, modelFlag, repeatsFlag, seedFlag } from './runner/flags.js';
import { runInTurn } from './runner/rounds.js';
import { columnsOf, percentWords, rangeWords, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly dtype: Dtype;
  readonly context: number;
  readonly repeats: number;
  readonly seed: number;
};

const LAYOUTS = [
  { workers: 1, threads: 1 },
  { workers: 1, threads: 2 },
  { workers: 2, threads: 1 },
] as const;
type Layout = (typeof LAYOUTS)[number];

type Row = Layout & {
  readonly ttftMs: MedianRange;
  readonly runsMs: readonly number[];
  readonly tokensPerS: number;
  readonly partitions: readonly (readonly number[])[];
  /** Of the last rank's time; medians, as outsideShare. */
  readonly waitShare: number;
  /** Neither in a session nor waiting for other ranks, of the time to the first token. */
  readonly outsideShare: number;
};

export const firstToken: Benchmark<Flags> = {
  name: 'first-token',
  summary: 'what a second worker brings on one machine of two cores',
  details: `One worker with one thread, one with two, two with one. "Outside" is what was neither in a session nor waiting for other ranks.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=8'),
    dtypeFlag('f32'),
    contextFlag(2048),
    repeatsFlag(5),
    seedFlag(),
  ],
  run: runFirstToken,
};

async function runFirstToken(flags: Flags, { note }: BenchContext): Promise<Report> {
  const { model, dtype, context, repeats, seed } = flags;
  const engines: Engine[] = [];
  try {
    for (const layout of LAYOUTS) engines.push(await Engine.load({ model, dtype, ...layout }));
    const results = await runInTurn(engines, repeats, (engine, round) => {
      note(`round ${round} of ${repeats}, ${engine.workers.length} × ${engine.settings.threads}`);
      const promptIds = benchPrompt(context, engine.model.shape.vocabulary, seed + round);
      return engine.complete({ promptIds, maxTokens: 1 });
    });
    return report(
      flags,
      LAYOUTS.map((layout, at) => rowOf(layout, context, results[at] ?? [])),
    );
  } finally {
    for (const engine of engines) await engine.close();
  }
}

function rowOf(layout: Layout, contextTokens: number, runs: readonly GenerationResult[]): Row {
  const runsMs = runs.map(({ ttftMs }) => ttftMs);
  const ttftMs = medianRange(runsMs);
  return {
    ...layout,
    ttftMs,
    runsMs,
    tokensPerS: (1000 * contextTokens) / ttftMs.median,
    partitions: runs.map(({ partition }) => partition),
    waitShare: medianRange(runs.map(waitShare)).median,
    outsideShare: medianRange(runs.map(outsideShare)).median,
  };
}

function waitShare({ timeline }: GenerationResult): number {
  const last = timeline.at(-1);
  return last ? last.waitMs / last.totalMs : 0;
}

function outsideShare({ timeline, ttftMs }: GenerationResult): number {
  const last = timeline.at(-1);
  return last ? 1 - (last.computeMs + last.waitMs) / ttftMs : 1;
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('workers × threads', ({ workers, threads }) => `${workers} × ${threads}`),
  figure('TTFT ms', ({ ttftMs }) => ttftMs.median),
  words('min – max', ({ ttftMs }) => rangeWords(ttftMs)),
  figure('tokens/s', ({ tokensPerS }) => tokensPerS),
  words('last rank waits', (row) => percentWords(row.waitShare)),
  words('outside', (row) => percentWords(row.outsideShare)),
  words('cuts', ({ partitions }) => partitions.map((sizes) => sizes.join('+')).join(' ')),
];

function report({ model, dtype, context, repeats }: Flags, rows: readonly Row[]): Report {
  const title = `First token of ${context} tokens, ${model}, ${dtype}, medians of ${formatPlural(repeats, 'round')} in turn`;
  const [slowMs = NaN, oneMs = NaN, twoMs = NaN] = rows.map(({ ttftMs }) => ttftMs.median);
  const [overOne, overSlow] = [oneMs / twoMs, slowMs / twoMs].map((ratio) => ratio.toFixed(2));
  return {
    tables: [tableOf({ name: 'firstToken', title, label: 'measured' }, COLUMNS, rows)],
    notes: [`2 × 1 is ${overOne} times as fast as 1 × 2, and ${overSlow} times as 1 × 1 (measured).`],
  };
}
