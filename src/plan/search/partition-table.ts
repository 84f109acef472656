/**
 * KVR-P, the paper's predicted partition: searched partitions are kept as ratios by context length, and for lengths between
 * two entries ratios are interpolated linearly. Pure; where the table is kept is the caller's business. JSON is parsed here, once.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { MAX_RANKS, partitionFromSizes, partitionSizes } from '../../core/partition.js';
import type { Partition } from '../../core/partition.js';

/** One searched partition: parts of the context in rank order; they add up to 1. */
export type TableEntry = { readonly contextTokens: number; readonly ratios: readonly number[] };

/** Partitions searched for one key, any number of ranks, in any order of length. */
export type PartitionTable = {
  readonly version: 1;
  /** Names what the partitions were searched for: model, dtype, workers, links. A partition of another key means nothing. */
  readonly key: string;
  readonly entries: readonly TableEntry[];
};

/** More entries than lengths anybody would search. */
const MAX_ENTRIES = 10_000;

/** How far from 1 ratios may add up after a trip through decimal digits. */
const RATIO_TOLERANCE = 1e-6;

const entrySchema = z.object({
  contextTokens: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  ratios: z
    .array(z.number().gt(0).max(1))
    .min(1)
    .max(MAX_RANKS)
    .refine((ratios) => Math.abs(ratios.reduce((sum, ratio) => sum + ratio, 0) - 1) <= RATIO_TOLERANCE),
});

const tableSchema = z.object({
  version: z.literal(1),
  key: z.string().min(1).max(1000),
  entries: z.array(entrySchema).max(MAX_ENTRIES),
});

export function emptyTable(key: string): PartitionTable {
  return { version: 1, key, entries: [] };
}

/** Parsed JSON of unknown origin. @throws BAD_INPUT where it is no table, or one for another key */
export function parsePartitionTable(json: unknown, key: string): PartitionTable {
  const parsed = tableSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue === undefined || issue.path.length === 0 ? 'its top' : issue.path.join('.');
    throw new KvrError('BAD_INPUT', `the partition table is broken at ${place}; build it again`);
  }
  if (parsed.data.key !== key) {
    throw new KvrError(
      'BAD_INPUT',
      `the partition table is for "${parsed.data.key}", not for "${key}"; build one for it`,
    );
  }
  return parsed.data;
}

/** A table with this partition, in place of an older one of the same length and number of ranks. */
export function addTableEntry(table: PartitionTable, partition: Partition): PartitionTable {
  const contextTokens = partition[partition.length - 1]?.end ?? 0;
  const ratios = partitionSizes(partition).map((size) => size / contextTokens);
  const others = table.entries.filter(
    (entry) => entry.contextTokens !== contextTokens || entry.ratios.length !== ratios.length,
  );
  const entries = [...others, { contextTokens, ratios }].sort((a, b) => a.contextTokens - b.contextTokens);
  return { ...table, entries };
}

/**
 * KVR-P: ratios of the two nearest lengths, interpolated; the nearest one's beyond the ends of the table.
 * @throws BAD_INPUT where the table holds nothing for so many ranks, or there are fewer tokens than ranks
 */
export function lookUpPartition(table: PartitionTable, contextTokens: number, ranks: number): Partition {
  const entries = table.entries
    .filter((entry) => entry.ratios.length === ranks)
    .sort((a, b) => a.contextTokens - b.contextTokens);
  if (entries.length === 0) {
    throw new KvrError(
      'BAD_INPUT',
      `the partition table holds no partition for ${ranks} workers; search some lengths first`,
    );
  }
  if (contextTokens < ranks) {
    throw new KvrError(
      'BAD_INPUT',
      `${contextTokens} tokens can not be partitioned over ${ranks} workers; use at most ${contextTokens}`,
    );
  }
  return partitionFromSizes(wholeTokens(ratiosAt(entries, contextTokens), contextTokens), contextTokens);
}

/** @param entries of one number of ranks, by length; at least one */
function ratiosAt(entries: readonly TableEntry[], contextTokens: number): readonly number[] {
  const above = entries.find((entry) => entry.contextTokens >= contextTokens);
  const below = entries.findLast((entry) => entry.contextTokens <= contextTokens);
  if (above === undefined || below === undefined) return (above ?? below)?.ratios ?? [];
  const span = above.contextTokens - below.contextTokens;
  const share = span === 0 ? 0 : (contextTokens - below.contextTokens) / span;
  return below.ratios.map((ratio, rank) => ratio + share * ((above.ratios[rank] ?? ratio) - ratio));
}

/** Rounds boundaries, not sizes, so that they add up, and leaves every rank at least one token. */
function wholeTokens(ratios: readonly number[], contextTokens: number): number[] {
  let start = 0;
  let ratioSum = 0;
  return ratios.map((ratio, rank) => {
    ratioSum += ratio;
    const after = ratios.length - 1 - rank;
    const wanted = after === 0 ? contextTokens : Math.round(ratioSum * contextTokens);
    const end = Math.min(contextTokens - after, Math.max(start + 1, wanted));
    const size = end - start;
    start = end;
    return size;
  });
}
