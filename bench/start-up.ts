/**
 * What a model costs before its first request: compiling it, getting ready from a warm cache, and the memory of one and of two
 * workers, as the system shares it out (PSS), after a short prompt. Linux.
 */
import { formatPlural } from '../src/cli/terminal/format.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dtype } from '../src/core/shape.js';
import { medianRange } from '../src/core/statistics.js';
import { benchPrompt } from '../src/evaluation/prompts/bench-prompt.js';
import { Engine } from '../src/index.js';
import type { CompileFacts } from '../src/model/compile.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { contextFlag, dtypesFlag, modelFlag, repeatsFlag, seedFlag } from './runner/flags.js';
import { childrenPssBytes } from './runner/process-memory.js';
import { runInTurn } from './runner/rounds.js';
import { columnsOf, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly dtype: readonly Dtype[];
  readonly context: number;
  readonly repeats: number;
  readonly seed: number;
};
type CompileRow = CompileFacts & { readonly megabytesPerS: number };
type ReadyRow = {
  readonly dtype: Dtype;
  readonly workers: number;
  readonly readyMs: number;
  readonly pssBytes: number;
};
type Start = Pick<ReadyRow, 'readyMs' | 'pssBytes'>;

const WORKERS = [1, 2];

export const startUp: Benchmark<Flags> = {
  name: 'start-up',
  summary: 'compiling a model, getting ready from the cache, memory of one and two workers',
  details: `Each dtype has a cache folder of its own, which is removed in the end. The first start compiles. PSS is a process's memory with what
is shared split among those that share it; it is read after one request.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b'),
    dtypesFlag(['q8', 'w8a8']),
    contextFlag(256),
    repeatsFlag(3),
    seedFlag(),
  ],
  run: runStartUp,
};

async function runStartUp(flags: Flags, { note }: BenchContext): Promise<Report> {
  const compiled: CompileRow[] = [];
  const ready: ReadyRow[] = [];
  const onCompiled = (facts: CompileFacts): void =>
    void compiled.push({ ...facts, megabytesPerS: facts.sourceBytes / 1e3 / facts.ms });
  for (const dtype of flags.dtype) {
    const cacheDir = await mkdtemp(join(tmpdir(), 'kvr-start-up-'));
    try {
      const runs = await runInTurn(WORKERS, flags.repeats, (workers, round) => {
        note(`${dtype}, round ${round} of ${flags.repeats}, ${workers} × 1`);
        return start(flags, dtype, workers, cacheDir, onCompiled);
      });
      WORKERS.forEach((workers, at) => ready.push(rowOf(dtype, workers, runs[at] ?? [])));
    } finally {
      await rm(cacheDir, { recursive: true, force: true });
    }
  }
  const title = `Ready from a warm cache, medians of ${formatPlural(flags.repeats, 'round')}`;
  return {
    tables: [
      tableOf({ name: 'compiled', title: `Compiling ${flags.model}`, label: 'measured' }, COMPILED, compiled),
      tableOf({ name: 'ready', title, label: 'measured' }, READY, ready),
    ],
  };
}

async function start(
  { model, context, seed }: Flags,
  dtype: Dtype,
  workers: number,
  cacheDir: string,
  onCompiled: (facts: CompileFacts) => void,
): Promise<Start> {
  const startMs = performance.now();
  const options = { model, dtype, workers, threads: 1, calibrate: false, cacheDir, onCompiled };
  const engine = await Engine.load(options);
  const readyMs = performance.now() - startMs;
  try {
    const promptIds = benchPrompt(context, engine.model.shape.vocabulary, seed);
    await engine.complete({ promptIds, maxTokens: 2, partition: 'e' });
    return { readyMs, pssBytes: childrenPssBytes() };
  } finally {
    await engine.close();
  }
}

function rowOf(dtype: Dtype, workers: number, runs: readonly Start[]): ReadyRow {
  const medianOf = (name: keyof Start): number => medianRange(runs.map((run) => run[name])).median;
  return { dtype, workers, readyMs: medianOf('readyMs'), pssBytes: medianOf('pssBytes') };
}

const compiledColumns = columnsOf<CompileRow>();
const COMPILED = [
  compiledColumns.words('dtype', ({ dtype }) => dtype),
  compiledColumns.figure('s', ({ ms }) => ms / 1000, 1),
  compiledColumns.figure('MB/s of f32', ({ megabytesPerS }) => megabytesPerS),
  compiledColumns.figure('peak MB', ({ peakBytes }) => peakBytes / 1e6),
];
const readyColumns = columnsOf<ReadyRow>();
const READY = [
  readyColumns.words('dtype', ({ dtype }) => dtype),
  readyColumns.figure('workers', ({ workers }) => workers),
  readyColumns.figure('ready ms', ({ readyMs }) => readyMs),
  readyColumns.figure('PSS MB', ({ pssBytes }) => pssBytes / 1e6),
];
