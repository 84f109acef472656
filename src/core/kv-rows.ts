/**
 * How many rows a rank's KV-cache must hold for a request: what a worker allocates and an engine reckons with. Pure.
 */
import { contextTokensOf, sliceAt } from './partition.js';
import { type StrategyName, strategyOf } from './strategy.js';

export type RankShare = {
  readonly strategy: StrategyName;
  /** Slice sizes in rank order. */
  readonly partition: readonly number[];
  readonly rank: number;
  readonly maxTokens: number;
};

/** A rank's prompt rows; on the last rank the answer's too. */
export function kvRows({ strategy, partition, rank, maxTokens }: RankShare): number {
  const contextTokens = contextTokensOf(partition);
  if (rank === partition.length - 1) return contextTokens + maxTokens;
  return strategyOf(strategy).topology === 'gather' ? contextTokens : sliceAt(partition, rank).end;
}
