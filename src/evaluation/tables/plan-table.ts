/**
 * Builds KVR-P's table: searched partitions for some lengths and every number of the engine's first workers, over the cost
 * model or from a measured search, kept in the cache folder beside older entries. Called by the plan command.
 */
import { KvrError } from '../../core/errors.js';
import type { Partition } from '../../core/partition.js';
import { cacheFolder } from '../../model/cache/index.js';
import {
  addTableEntry,
  chainCosts,
  emptyTable,
  type PartitionTable,
  searchedPartition,
  type SearchedPartition,
} from '../../plan/index.js';
import type { Engine } from '../../engine/engine.js';
import { firstOf } from '../../engine/partition/forecast.js';
import { readTable, tableKey, writeTable } from '../../engine/partition/table-file.js';

/** A searched partition and what it takes: predicted, or the median of real runs. */
export type TablePartition = SearchedPartition & { readonly contextTokens: number };

export type TableBuild = {
  readonly lengths: readonly number[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string, fraction: number) => void;
};

/** KVR-S over the cost model, length by length. @throws CANCELLED; BAD_INPUT where workers were not measured */
export async function searchTable(engine: Engine, build: TableBuild): Promise<TablePartition[]> {
  const most = engine.workers.length;
  const asks = build.lengths.flatMap((contextTokens) =>
    Array.from({ length: Math.min(most, contextTokens) }, (_, index) => ({
      contextTokens,
      ranks: index + 1,
    })),
  );
  const found: TablePartition[] = [];
  for (const [index, { contextTokens, ranks }] of asks.entries()) {
    build.onProgress?.('searching partitions', index / asks.length);
    // Lets a signal and the progress bar through; one search takes milliseconds to a second.
    await new Promise((resolve) => setImmediate(resolve));
    if (build.signal?.aborted) throw new KvrError('CANCELLED', 'the partition search was cancelled');
    found.push({ contextTokens, ...searchedPartition(costsOf(engine, contextTokens, ranks), ranks) });
  }
  return found;
}

/** Puts partitions into the engine's table, in place of older ones of their length. @returns where it is kept */
export async function keepPartitions(engine: Engine, partitions: readonly Partition[]): Promise<string> {
  const table = partitions.reduce(addTableEntry, await tableOf(engine));
  return writeTable(cacheFolder(engine.settings.cacheDir), table);
}

/** The table of the engine's workers; an empty one where none was built. @throws BAD_INPUT where it is broken */
export async function tableOf(engine: Engine): Promise<PartitionTable> {
  const kept = await readTable(cacheFolder(engine.settings.cacheDir), engine);
  return kept ?? emptyTable(tableKey(engine));
}

function costsOf(engine: Engine, contextTokens: number, ranks: number) {
  if (!engine.costs) throw new KvrError('BAD_INPUT', 'a table needs measured workers; leave calibration on');
  const { shape } = engine.model;
  return chainCosts({ contextTokens, shape, ...firstOf(engine.costs.knowledge, ranks) });
}
