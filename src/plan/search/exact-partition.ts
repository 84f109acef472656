/**
 * Our own partition: balanced on the cost model, then polished token by token on the prediction itself. Pure.
 * By construction never predicted slower than KVR-S or KVR-E of the same costs: with full effort it also walks the
 * whole path of KVR-S and goes on to a step of one token. Called by plan.ts.
 */
import type { Partition } from '../../core/partition.js';
import { evenPartition, partitionFromSizes, partitionSizes } from '../../core/partition.js';
import { searchPartitionSync, searchSteps } from './partition-search.js';
import { predictTtftMs } from '../predict/predict.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import { balancedSizes } from './water-fill.js';

/**
 * 'full' walks KVR-S's path too; 'quick' polishes the balanced partition only, for plans that weigh many numbers of ranks.
 */
export type SearchEffort = 'full' | 'quick';

export type SearchedPartition = { readonly partition: Partition; readonly ttftMs: number };

/** Most predictions of a quick polish, and most rank·layer steps of them: about 0.5 to 3 ms of work. */
const QUICK_EVALUATIONS = 48;
const QUICK_STEPS = 32_000;

/** KVR-S over the cost model. */
export function searchedPartition(costs: ChainCosts, ranks: number): SearchedPartition {
  const contextTokens = newTokensOf(costs);
  const evaluate = (partition: Partition) => predictTtftMs(costs, partition);
  const { partition, ms } = searchPartitionSync({ contextTokens, ranks, evaluate });
  return { partition, ttftMs: ms };
}

/** The exact balance for the first `ranks` workers; fewer slices where there are fewer new tokens than ranks. */
export function exactPartition(
  costs: ChainCosts,
  ranks: number,
  asked: SearchEffort = 'full',
): SearchedPartition {
  const used = Math.max(1, Math.min(ranks, newTokensOf(costs)));
  // One boundary is searched in full within a millisecond.
  const effort = used <= 2 ? 'full' : asked;
  const even = evenPartition(newTokensOf(costs), used);
  if (used === 1) return timed(costs, even);
  const balanced = timed(costs, partitionFromSizes(balancedSizes(costs, used), newTokensOf(costs)));
  const found = [timed(costs, even), polished(costs, balanced, effort)];
  if (effort === 'full') found.push(polishedFromEven(costs, even));
  return shrinking(costs, bestOf(found));
}

/** Small steps around the balanced partition, down to one token. */
function polished(costs: ChainCosts, from: SearchedPartition, effort: SearchEffort): SearchedPartition {
  const ranks = from.partition.length;
  const slice = Math.max(1, Math.floor(newTokensOf(costs) / ranks));
  const budget = Math.floor(QUICK_STEPS / (ranks * costs.layers));
  const { partition, ms } = searchPartitionSync({
    contextTokens: newTokensOf(costs),
    ranks,
    start: from.partition,
    evaluate: (candidate) => predictTtftMs(costs, candidate),
    coarseStepTokens: 2 ** Math.floor(Math.log2(Math.max(1, slice / 16))),
    minStepTokens: 1,
    ...(effort === 'quick'
      ? { reach: 'near', maxEvaluations: Math.max(1, Math.min(QUICK_EVALUATIONS, budget)) }
      : {}),
  });
  return { partition, ttftMs: ms };
}

/** KVR-S's own path, and on below its last step. */
function polishedFromEven(costs: ChainCosts, even: Partition): SearchedPartition {
  const searched = searchedPartition(costs, even.length);
  const { partition, ms } = searchPartitionSync({
    contextTokens: newTokensOf(costs),
    ranks: even.length,
    start: searched.partition,
    evaluate: (candidate) => predictTtftMs(costs, candidate),
    coarseStepTokens: searchSteps(newTokensOf(costs), even.length).minTokens,
    minStepTokens: 1,
  });
  return { partition, ttftMs: ms };
}

/** Among partitions that are as good, one whose slices do not grow along the chain is the one people expect. */
function shrinking(costs: ChainCosts, best: SearchedPartition): SearchedPartition {
  const sizes = partitionSizes(best.partition).sort((a, b) => b - a);
  return bestOf([timed(costs, partitionFromSizes(sizes, newTokensOf(costs))), best]);
}

/** The first of the fastest. */
function bestOf(found: readonly SearchedPartition[]): SearchedPartition {
  return found.reduce((best, each) => (each.ttftMs < best.ttftMs ? each : best));
}

function timed(costs: ChainCosts, partition: Partition): SearchedPartition {
  return { partition, ttftMs: predictTtftMs(costs, partition) };
}

function newTokensOf(costs: ChainCosts): number {
  return costs.contextTokens - costs.cachedTokens;
}
