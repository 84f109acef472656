/**
 * How many rows a rank's KV-cache must hold for a request: what a worker allocates and an engine reckons with. Pure.
 */
import type { RunMessage } from './protocol.js';

export type CacheAsk = Pick<RunMessage, 'strategy' | 'partition' | 'rank' | 'maxTokens'>;

/** A rank's prompt rows; on the last rank the answer's too. */
export function cacheRows({ strategy, partition, rank, maxTokens }: CacheAsk): number {
  const contextTokens = sum(partition);
  if (rank === partition.length - 1) return contextTokens + maxTokens;
  return isGathered({ strategy }) ? contextTokens : sum(partition.slice(0, rank + 1));
}

/** True for strategies in which every rank gets the rows of all others. */
export function isGathered({ strategy }: Pick<RunMessage, 'strategy'>): boolean {
  return strategy === 'tsp' || strategy === 'tsp-dense';
}

export function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
