/**
 * The memory of workers, as `kvr inspect` predicts it and as the system counts it (resident set, the most while requests are
 * answered): in processes that have just measured themselves for the plan, and in ones that found that measured. Linux.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { choiceFlag } from '../src/cli/flags/index.js';
import { KvrError } from '../src/core/errors.js';
import { evenPartition } from '../src/core/partition.js';
import { type Dtype, DTYPES, KV_DTYPES, type KvDtype } from '../src/core/shape.js';
import { workerMemory } from '../src/engine/load/memory.js';
import { defaultDecodeThreads } from '../src/engine/options/defaults.js';
import { benchPrompt } from '../src/evaluation/prompts/bench-prompt.js';
import { Engine } from '../src/index.js';
import type { Benchmark, BenchContext, Report } from './runner/benchmark.js';
import { contextFlag, countFlag, dtypesFlag, modelFlag, seedFlag, workersFlag } from './runner/flags.js';
import { residentBytes } from './runner/process-memory.js';
import { columnsOf, percentWords, tableOf } from './runner/table.js';

type Flags = {
  readonly model: string;
  readonly dtype: readonly Dtype[];
  readonly kvDtype: KvDtype;
  readonly workers: number;
  readonly context: number;
  readonly maxTokens: number;
  readonly seed: number;
};
type Row = {
  readonly dtype: Dtype;
  readonly costs: 'just measured' | 'known';
  readonly rank: number;
  readonly predictedBytes: number;
  readonly residentBytes: number;
  /** predicted / resident − 1. */
  readonly off: number;
};

const REQUESTS = 2;
/** As in a server: workers map their weights while nothing is asked of them. */
const WARM_UP_MS = 3_000;
const MOST_OFF = 0.15;

export const workerMemoryBench: Benchmark<Flags> = {
  name: 'worker-memory',
  summary: 'predicted memory of workers beside what the system counts',
  details: `Resident: the most that a worker process had while it answered ${REQUESTS} requests. A prediction that is off by 15 % or more is a goal missed.`,
  flags: () => [
    modelFlag('synthetic:tinyllama-1.1b,layers=8'),
    dtypesFlag(DTYPES),
    choiceFlag('--kv-dtype <TYPE>', 'element type of keys and values', KV_DTYPES).default('f32'),
    workersFlag(2),
    contextFlag(2048),
    countFlag('-n, --max-tokens <N>', 'new tokens of each request', 16),
    seedFlag(),
  ],
  run: runWorkerMemory,
};

async function runWorkerMemory(flags: Flags, { note }: BenchContext): Promise<Report> {
  const rows: Row[] = [];
  for (const dtype of flags.dtype) {
    for (const costs of ['just measured', 'known'] as const) {
      note(`${dtype}, costs ${costs}`);
      rows.push(...(await measure(flags, dtype, costs)));
    }
  }
  const { model, kvDtype, context } = flags;
  const title = `${model}, KV ${kvDtype}, ${context} tokens, memory in MB`;
  const missed = rows
    .filter(({ off }) => Math.abs(off) >= MOST_OFF)
    .map(
      ({ dtype, rank, off }) =>
        `${dtype}, rank ${rank}: off by ${percentWords(off)}, under ${percentWords(MOST_OFF)} is asked for`,
    );
  return { tables: [tableOf({ name: 'memory', title, label: 'measured' }, COLUMNS, rows)], missed };
}

async function measure(flags: Flags, dtype: Dtype, costs: Row['costs']): Promise<Row[]> {
  const { model, workers, kvDtype } = flags;
  const calibrate = costs === 'known' ? true : 'fresh';
  const engine = await Engine.load({ model, workers, threads: 1, dtype, kvDtype, calibrate });
  try {
    await delay(WARM_UP_MS);
    const peaks = await peakBytes(engine, flags);
    return peaks.map((bytes, rank) => {
      const predictedBytes = predictBytes(engine, flags, dtype, rank);
      return { dtype, costs, rank, predictedBytes, residentBytes: bytes, off: predictedBytes / bytes - 1 };
    });
  } finally {
    await engine.close();
  }
}

/** By rank; an even cut keeps to the order of the workers. */
async function peakBytes(engine: Engine, { context, workers, maxTokens, seed }: Flags): Promise<number[]> {
  const promptIds = benchPrompt(context, engine.model.shape.vocabulary, seed);
  const peaks = new Array<number>(workers).fill(0);
  for (let request = 0; request < REQUESTS; request++) {
    for await (const event of engine.generate({ promptIds, maxTokens, partition: 'e' })) {
      if (event.type === 'done') break;
      engine.workers.forEach(({ handle, ready }, rank) => {
        if (handle.isEnded) throw new KvrError('WORKER_DIED', `the worker of rank ${rank} has ended`);
        peaks[rank] = Math.max(peaks[rank] ?? 0, residentBytes(ready.pid));
      });
    }
  }
  return peaks;
}

function predictBytes(engine: Engine, flags: Flags, dtype: Dtype, rank: number): number {
  const { workers, context, kvDtype, maxTokens: newTokens } = flags;
  const { shape } = engine.model;
  const slice = evenPartition(context, workers)[rank];
  if (!slice) throw new KvrError('INTERNAL', `no slice for rank ${rank}`);
  const { chunkTokens } = engine.settings;
  const allowsAllCoreDecode = defaultDecodeThreads(dtype, workers, 1) > 1;
  const isLast = rank === workers - 1;
  const options = { shape, dtype, kvDtype, slice, isLast, newTokens, chunkTokens, allowsAllCoreDecode };
  return workerMemory(options).totalBytes;
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('dtype', ({ dtype }) => dtype),
  words('costs', ({ costs }) => costs),
  figure('rank', ({ rank }) => rank),
  figure('predicted', ({ predictedBytes }) => predictedBytes / 1e6),
  figure('resident', (row) => row.residentBytes / 1e6),
  words('off', ({ off }) => percentWords(off)),
];
