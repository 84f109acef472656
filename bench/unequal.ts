/**
 * Unequal workers: two with one thread, each pinned to a core of its own, the second one's core shared with a process that never
 * rests. The planned cut beside the even one and one worker, in turn. Linux with taskset, two cores.
 */
import { formatPlural } from '../src/cli/terminal/format.js';
import { defined } from '../src/cli/flags/defined.js';
import type { Dtype } from '../src/core/shape.js';
import { middleOf, type MedianRange, medianRange } from '../src/core/statistics.js';
import { benchPrompt } from '../src/evaluation/prompts/bench-prompt.js';
import { Engine, type GenerateRequest, type GenerationResult } from '../src/index.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { ChildPrograms } from './runner/child-programs.js';
import { cacheDirFlag, contextFlag, dtypeFlag, modelFlag, repeatsFlag, seedFlag } from './runner/flags.js';
import { KVR } from './runner/places.js';
import { runInTurn } from './runner/rounds.js';
import { columnsOf, rangeWords, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly dtype: Dtype;
  readonly context: number;
  readonly repeats: number;
  readonly seed: number;
  readonly cacheDir?: string;
};
type Way = { readonly name: string; readonly request: Pick<GenerateRequest, 'strategy' | 'partition'> };
type Row = {
  readonly cut: string;
  readonly ttftMs: MedianRange;
  readonly predictedTtftMs: number | null;
  /** Of the run in the middle, in the order of the workers, whatever their rank. */
  readonly tokensByWorker: readonly number[];
  readonly isLoadedSmaller: boolean;
};
/** A request, and which worker had which rank. */
type Run = GenerationResult & { readonly order: readonly number[] };

/** By core. */
const PORTS = [7101, 7102];
const WAYS: readonly Way[] = [
  { name: 'one worker, the free one', request: { strategy: 'single' } },
  { name: 'even', request: { partition: 'e' } },
  { name: 'planned', request: { partition: 'auto' } },
];
const LEAST_GAIN = 1.2;

export const unequal: Benchmark<Flags> = {
  name: 'unequal',
  summary: 'the planned cut where one of two workers is half as fast',
  details: `Needs Linux, taskset and two cores; takes the ports ${PORTS.join(' and ')} of this machine. Goals: the planned cut is ${LEAST_GAIN} times as fast as
the even one, and the loaded worker gets the smaller slice.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=8,vocab=4096,context=8200'),
    dtypeFlag('w8a8'),
    contextFlag(2048),
    repeatsFlag(5),
    seedFlag(),
    cacheDirFlag(),
  ],
  run: runUnequal,
};

async function runUnequal(flags: Flags, { note }: BenchContext): Promise<Report> {
  const { model, dtype, cacheDir, repeats } = flags;
  const programs = new ChildPrograms();
  try {
    for (const [core, port] of PORTS.entries()) await startWorker(programs, core, port, flags);
    programs.spawn('taskset', ['-c', '1', process.execPath, '-e', 'for (;;);']);
    const workers = PORTS.map((port) => `127.0.0.1:${port}`);
    const engine = await Engine.load({ model, dtype, workers, calibrate: 'fresh', ...defined({ cacheDir }) });
    try {
      const results = await runInTurn(WAYS, repeats, (way, round) => {
        note(`round ${round} of ${repeats}, ${way.name}`);
        return run(engine, way, flags);
      });
      return report(
        flags,
        WAYS.map((way, at) => rowOf(way, results[at] ?? [])),
      );
    } finally {
      await engine.close();
    }
  } finally {
    await programs.close();
  }
}

async function startWorker(
  programs: ChildPrograms,
  core: number,
  port: number,
  { model, dtype, cacheDir }: Flags,
): Promise<void> {
  const cache = cacheDir === undefined ? [] : ['--cache-dir', cacheDir];
  const listen = ['worker', '--listen', `127.0.0.1:${port}`, '--threads', '1'];
  const words = [KVR, ...listen, '--model', model, '--dtype', dtype, ...cache];
  await programs.start('taskset', ['-c', String(core), process.execPath, ...words], 'kvr worker listens');
}

async function run(engine: Engine, { request }: Way, { context, seed }: Flags): Promise<Run> {
  const promptIds = benchPrompt(context, engine.model.shape.vocabulary, seed);
  // Asked before the run: afterwards the costs have followed it.
  const chain = await engine.partition(request, context);
  const result = await engine.complete({ promptIds, maxTokens: 1, ...request });
  const ids = engine.workers.map(({ handle }) => handle.id);
  return { ...result, order: chain.workers.map((id) => ids.indexOf(id)) };
}

function rowOf({ name }: Way, runs: readonly Run[]): Row {
  const middle = middleOf(runs, ({ ttftMs }) => ttftMs);
  return {
    cut: name,
    ttftMs: medianRange(runs.map(({ ttftMs }) => ttftMs)),
    predictedTtftMs: middle.predictedTtftMs,
    tokensByWorker: tokensByWorker(middle),
    isLoadedSmaller: runs.map(tokensByWorker).every(([free = 0, loaded = 0]) => loaded < free),
  };
}

function tokensByWorker({ order, partition }: Run): number[] {
  return PORTS.map((_, worker) => partition[order.indexOf(worker)] ?? 0);
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('cut', ({ cut }) => cut),
  figure('TTFT ms', ({ ttftMs }) => ttftMs.median),
  words('min – max', ({ ttftMs }) => rangeWords(ttftMs)),
  figure('predicted', ({ predictedTtftMs }) => predictedTtftMs),
  words('tokens of the free + the loaded worker', (row) => row.tokensByWorker.join(' + ')),
];

function report({ model, dtype, context, repeats }: Flags, rows: readonly Row[]): Report {
  const title = `${model}, ${dtype}, ${context} tokens, two workers × 1 thread, the second one's core loaded, medians of ${formatPlural(repeats, 'round')} in turn`;
  const [, even, planned] = rows;
  const gain = (even?.ttftMs.median ?? NaN) / (planned?.ttftMs.median ?? NaN);
  const missed = [
    ...(gain >= LEAST_GAIN ? [] : [`a gain of ${gain.toFixed(2)}, at least ${LEAST_GAIN} is asked for`]),
    ...(planned?.isLoadedSmaller ? [] : ['the loaded worker got the larger slice']),
  ];
  return {
    tables: [tableOf({ name: 'unequal', title, label: 'measured' }, COLUMNS, rows)],
    notes: [`The planned cut is ${gain.toFixed(2)} times as fast as the even one (measured).`],
    missed,
  };
}
