/**
 * What workers had, as a table beside what they may have.
 */
import { evenPartition } from '../../src/core/partition.js';
import { workerMemory } from '../../src/engine/load/memory.js';
import type { Engine } from '../../src/index.js';
import type { Report } from '../runner/benchmark.js';
import { columnsOf, tableOf } from '../runner/table.js';
import type { MemoryFlags } from './flags.js';
import type { WatchedWorker } from './memory-watch.js';

/** Of what a worker had at the start. */
const MOST_IDLE = 1.2;
/** Of what is predicted. */
const MOST_PEAK = 1.2;

type Sizes = { readonly promptTokens: number; readonly newTokens: number };
type Row = WatchedWorker & { readonly limitBytes: number };

/** @param sizes of the longest request */
export function memoryReport(
  engine: Engine,
  flags: MemoryFlags,
  sizes: Sizes,
  watched: readonly WatchedWorker[],
  notes: readonly string[],
): Report {
  const { model, workers, threads, clients, kvMemory } = flags;
  const title = `${model}, ${workers} × ${threads}, ${clients} at once, KV memory ${kvMemory} MB, anonymous memory in MB`;
  const addedBytes = 1e6 * kvMemory + activationBytes(engine, flags, sizes);
  const rows = watched.map((own) => ({ ...own, limitBytes: own.startBytes + addedBytes }));
  const tables = [tableOf({ name: 'memory', title, label: 'measured' as const }, COLUMNS, rows)];
  return { tables, notes, missed: rows.flatMap(missesOf) };
}

function missesOf({ worker, startBytes, mostBytes, nowBytes, limitBytes }: Row): string[] {
  const ratio = nowBytes / startBytes;
  const share = mostBytes / limitBytes;
  return [
    ...(share > MOST_PEAK ? [`${worker} had ${share.toFixed(2)} times its limit`] : []),
    ...(ratio > MOST_IDLE ? [`${worker} has ${ratio.toFixed(2)} times what it had at the start`] : []),
  ];
}

/** Of the rank that needs most, as `kvr inspect --running` predicts it. */
function activationBytes(engine: Engine, { workers, clients: running }: MemoryFlags, sizes: Sizes): number {
  const { shape } = engine.model;
  const { dtype, kvDtype, chunkTokens } = engine.settings;
  const ranks = evenPartition(sizes.promptTokens, workers).map((slice, rank) => {
    const own = { slice, isLast: rank === workers - 1, newTokens: sizes.newTokens, running };
    return workerMemory({ shape, dtype, kvDtype, chunkTokens, ...own }).activationBytes;
  });
  return Math.max(...ranks);
}

const { figure, words } = columnsOf<Row>();
const COLUMNS = [
  words('worker', ({ worker }) => worker),
  figure('start', ({ startBytes }) => startBytes / 1e6),
  figure('most', ({ mostBytes }) => mostBytes / 1e6),
  figure('limit', ({ limitBytes }) => limitBytes / 1e6),
  figure('at rest', ({ nowBytes }) => nowBytes / 1e6),
];
