/**
 * What workers had, as a table beside what they may have.
 */
import type { Engine } from '../../src/index.js';
import type { Report } from '../runner/benchmark.js';
import { columnsOf, tableOf } from '../runner/table.js';
import type { MemoryFlags } from './flags.js';
import type { WatchedWorker } from './memory-watch.js';

/** Of what a worker had at the start. */
const MOST_IDLE = 1.2;

export function memoryReport(
  _engine: Engine,
  flags: MemoryFlags,
  _sizes: { readonly promptTokens: number; readonly newTokens: number },
  rows: readonly WatchedWorker[],
  notes: readonly string[],
): Report {
  const { model, workers, threads, clients, kvMemory } = flags;
  const title = `${model}, ${workers} × ${threads}, ${clients} at once, KV memory ${kvMemory} MB, anonymous memory in MB`;
  const missed = rows
    .filter(({ startBytes, nowBytes }) => nowBytes > MOST_IDLE * startBytes)
    .map(
      ({ worker, startBytes, nowBytes }) =>
        `${worker} has ${(nowBytes / startBytes).toFixed(2)} times what it had at the start`,
    );
  return { tables: [tableOf({ name: 'memory', title, label: 'measured' }, COLUMNS, rows)], notes, missed };
}

const { figure, words } = columnsOf<WatchedWorker>();
const COLUMNS = [
  words('worker', ({ worker }) => worker),
  figure('start', ({ startBytes }) => startBytes / 1e6),
  figure('most', ({ mostBytes }) => mostBytes / 1e6),
  figure('30 s after', ({ nowBytes }) => nowBytes / 1e6),
];
