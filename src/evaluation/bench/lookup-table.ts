/**
 * KVR-P needs a table of searched partitions. Where there is none that surrounds a context, a bench builds it over the cost
 * model, at lengths around the context but not at it: what is measured then is a looked-up partition, not a searched one.
 */
import { cacheFolder } from '../../model/cache/index.js';
import {
  addTableEntry,
  chainCosts,
  type ChainCosts,
  emptyTable,
  type PartitionTable,
  searchedPartition,
} from '../../plan/index.js';
import type { Engine } from '../../engine/engine.js';
import { readTable, tableKey, writeTable } from '../../engine/partition/table-file.js';

/** Lengths around a context, in parts of it. */
const AROUND = [0.5, 0.75, 1.25, 1.5];

/** @returns the contexts that the engine's table had no entries around and has now. @throws BAD_INPUT for a broken file */
export async function ensureTable(engine: Engine, contexts: readonly number[]): Promise<number[]> {
  const folder = cacheFolder(engine.settings.cacheDir);
  const before = (await readTable(folder, engine)) ?? emptyTable(tableKey(engine));
  const ranks = engine.workers.length;
  const missing = contexts.filter((tokens) => tokens >= ranks && !surrounds(before, tokens, ranks));
  if (missing.length === 0) return [];
  const costsAt = (contextTokens: number): ChainCosts => engineCosts(engine, contextTokens);
  await writeTable(
    folder,
    missing.reduce((table, tokens) => withLengthsAround(table, tokens, ranks, costsAt), before),
  );
  return missing;
}

/** Adds partitions searched at lengths around a context. */
export function withLengthsAround(
  table: PartitionTable,
  contextTokens: number,
  ranks: number,
  costsAt: (contextTokens: number) => ChainCosts,
): PartitionTable {
  const lengths = AROUND.map((part) => Math.max(ranks, Math.round(part * contextTokens)));
  return [...new Set(lengths)].reduce(
    (grown, length) => addTableEntry(grown, searchedPartition(costsAt(length), ranks).partition),
    table,
  );
}

function surrounds({ entries }: PartitionTable, contextTokens: number, ranks: number): boolean {
  const lengths = entries.filter(({ ratios }) => ratios.length === ranks).map((entry) => entry.contextTokens);
  return Math.min(...lengths) <= contextTokens && Math.max(...lengths) >= contextTokens;
}

function engineCosts({ costs, model }: Engine, contextTokens: number): ChainCosts {
  const knowledge = costs?.knowledge ?? { workers: [], links: [] };
  return chainCosts({ contextTokens, shape: model.shape, ...knowledge });
}
