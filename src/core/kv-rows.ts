/**
 * How many rows a rank's KV-cache must hold for a request: what a worker allocates and an engine reckons with. Pure.
 */
import { contextTokensOf, sliceAt } from './partition.js';
import type { RequestSpec } from './request.js';
import { strategyOf } from './strategy.js';

export type RankShare = {
  readonly spec: Pick<RequestSpec, 'strategy' | 'maxTokens'>;
  /** Slice sizes in rank order. */
  readonly partition: readonly number[];
  readonly rank: number;
};

/** A rank's prompt rows; on the last rank the answer's too. */
export function kvRows({ spec, partition, rank }: RankShare): number {
  const contextTokens = contextTokensOf(partition);
  if (rank === partition.length - 1) return contextTokens + spec.maxTokens;
  const isGathered = strategyOf(spec.strategy).topology === 'gather';
  return isGathered ? contextTokens : sliceAt(partition, rank).end;
}
