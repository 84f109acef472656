/**
 * Drivers of the grid search: over a function (the cost model) or over a promise (real runs, the paper's way).
 * Knows neither model nor workers. Called by plan.ts and, with measurements, by whoever runs them.
 */
import { KvrError } from '../../core/errors.js';
import type { Partition } from '../../core/partition.js';
import { evenPartition } from '../../core/partition.js';
import type { GridOptions, Search, SearchResult } from './grid-search.js';
import { gridSearch } from './grid-search.js';

/** What to search. Everything but the first three has a default. */
export type PartitionSearch<Time> = {
  readonly contextTokens: number;
  readonly ranks: number;
  /** Milliseconds to the first token with this partition. */
  readonly evaluate: (partition: Partition) => Time;
  /** Where to begin: the even partition (KVR-E) unless given. */
  readonly start?: Partition;
  readonly coarseStepTokens?: number;
  readonly minStepTokens?: number;
  /** 'near' takes fewer candidates a step and stays close to the start; 'wide' unless given. */
  readonly reach?: 'near' | 'wide';
  readonly maxEvaluations?: number;
  readonly signal?: AbortSignal;
};

/** A search ends after so many candidates unless told otherwise. */
export const MAX_EVALUATIONS = 20_000;

/** Searches over an instant objective, such as the cost model. @throws CANCELLED where the signal fires */
export function searchPartitionSync(search: PartitionSearch<number>): SearchResult {
  const steps = begin(search);
  let next = steps.next();
  while (next.done !== true) {
    throwIfCancelled(search.signal);
    next = steps.next(search.evaluate(next.value));
  }
  return next.value;
}

/** Searches over measurements, one at a time. @throws CANCELLED where the signal fires, and what `evaluate` throws */
export async function searchPartition(
  search: PartitionSearch<number | Promise<number>>,
): Promise<SearchResult> {
  const steps = begin(search);
  let next = steps.next();
  while (next.done !== true) {
    throwIfCancelled(search.signal);
    next = steps.next(await search.evaluate(next.value));
  }
  return next.value;
}

/**
 * The steps a search of this size goes down: from half an even slice (a power of two times the last one, so that a
 * finer search passes through all steps of a coarser one) to about 1/256 of it, at most 16 tokens.
 */
export function searchSteps(
  contextTokens: number,
  ranks: number,
): { coarseTokens: number; minTokens: number } {
  const slice = Math.max(1, Math.floor(contextTokens / ranks));
  const coarse = 2 ** Math.floor(Math.log2(Math.max(1, slice / 2)));
  return { coarseTokens: coarse, minTokens: Math.max(1, Math.min(16, coarse / 128)) };
}

function begin<Time>(search: PartitionSearch<Time>): Search {
  const steps = searchSteps(search.contextTokens, search.ranks);
  const options: GridOptions = {
    start: search.start ?? evenPartition(search.contextTokens, search.ranks),
    coarseStepTokens: search.coarseStepTokens ?? steps.coarseTokens,
    minStepTokens: search.minStepTokens ?? steps.minTokens,
    reach: search.reach ?? 'wide',
    maxEvaluations: search.maxEvaluations ?? MAX_EVALUATIONS,
  };
  return gridSearch(options);
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new KvrError('CANCELLED', 'the partition search was cancelled');
}
