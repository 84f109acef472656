/**
 * Exact counts of the method, in whole dot products and whole cache entries: what tests and explanations start from.
 * Pure. As the paper counts: the square of a slice's rows with their own keys in full, K and V as two entries, one layer, one head.
 */
import type { Partition } from '../core/partition.js';
import { sliceTokens } from '../core/partition.js';
import { type StrategyName, strategyOf } from '../core/strategy.js';

/**
 * Query-key dot products of every rank. KVR and TSP attend to all keys up to the slice's end, dense TSP to the
 * whole context: S·(P+S) against S·C.
 */
export function dotProductsPerRank(partition: Partition, strategy: StrategyName): number[] {
  const context = partition[partition.length - 1]?.end ?? 0;
  const isDense = strategyOf(strategy).masking === 'dense';
  return partition.map((slice) => sliceTokens(slice) * (isDense ? context : slice.end));
}

/**
 * K and V entries that cross links. A chain sends every prefix one hop: 2·Σ end(i) over all ranks but the last.
 * An all-gather brings every slice to every other rank: 2·(p−1)·C.
 */
export function kvEntriesMoved(partition: Partition, strategy: StrategyName): number {
  const context = partition[partition.length - 1]?.end ?? 0;
  if (strategyOf(strategy).topology === 'gather') return 2 * (partition.length - 1) * context;
  return 2 * partition.slice(0, -1).reduce((sum, slice) => sum + slice.end, 0);
}
