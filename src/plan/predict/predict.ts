/**
 * Predicted times of a partition on given workers and links: the objective of every search and the figures of a plan.
 * Pure, O(ranks · layers). A chain is in chain-step.ts, an all-gather in gather-step.ts;
 * one worker alone is a chain with one slice. Called by partition-search, exact-partition, plan and the simulator's tests.
 */
import { KvrError } from '../../core/errors.js';
import type { Partition, Slice } from '../../core/partition.js';
import { sliceTokens } from '../../core/partition.js';
import { type Masking, type StrategyName, strategyOf } from '../../core/strategy.js';
import { noArrivals, type RankTimes, stepRank } from './chain-step.js';
import type { ChainTimes } from './chain-times.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import type { WorkerCost } from '../costs/cost-model.js';
import { transferMs } from '../costs/cost-model.js';
import { gatherTimes } from './gather-step.js';
import type { RankWork, TailWork } from '../costs/rank-work.js';
import { rankWork, tailWork } from '../costs/rank-work.js';

/** What a rank's time goes to most: products with the weights, attention, or waiting for bytes on a link. */
export type RankLimit = 'compute' | 'attention' | 'link';

export type RankPrediction = {
  readonly rank: number;
  readonly slice: Slice;
  /** All kernels: blocks, attention, head. */
  readonly computeMs: number;
  readonly attentionMs: number;
  readonly waitMs: number;
  /** Serialization of everything this rank sends. */
  readonly sendMs: number;
  /** From the request's start to the end of this rank's prompt phase. */
  readonly endMs: number;
  readonly limit: RankLimit;
};

export type Prediction = { readonly ttftMs: number; readonly ranks: readonly RankPrediction[] };

/** Milliseconds to the first token. @throws BAD_INPUT where there are fewer workers or links than slices need */
export function predictTtftMs(
  costs: ChainCosts,
  partition: Partition,
  strategy: StrategyName = 'kvr',
): number {
  return timesOf(costs, partition, strategy).ttftMs;
}

/** As predictTtftMs, with every rank's share of it. @throws BAD_INPUT as predictTtftMs */
export function predict(costs: ChainCosts, partition: Partition, strategy: StrategyName = 'kvr'): Prediction {
  const chain = timesOf(costs, partition, strategy);
  return { ttftMs: chain.ttftMs, ranks: partition.map((slice, rank) => describe(costs, chain, slice, rank)) };
}

function timesOf(costs: ChainCosts, partition: Partition, strategy: StrategyName): ChainTimes {
  checkSizes(costs, partition);
  const { masking, topology } = strategyOf(strategy);
  const work = partition.map((slice, rank) => workOf(costs, slice, rank, masking));
  const tail = tailWork(workerAt(costs, partition.length - 1), costs.contextTokens, costs.layerShares);
  return topology === 'gather' ? gatherTimes(costs, work, tail) : chainTimes(costs, work, tail);
}

/** The chain: rank after rank; the first token comes when the last rank has the last layer's prefix, plus its tail. */
function chainTimes(costs: ChainCosts, work: readonly RankWork[], tail: TailWork): ChainTimes {
  const arrivals = noArrivals(costs.layers);
  const last = work.length - 1;
  const times = work.map((one, rank) => stepRank(one, arrivals, rank < last ? costs.links[rank] : undefined));
  const lastTimes = withLastWait(
    times[last] as RankTimes,
    arrivals.whole[costs.layers - 1] as number,
    arrivals,
  );
  times[last] = { ...lastTimes, endMs: lastTimes.endMs + tail.tailMs };
  const sentBytes = work.map((one, rank) =>
    rank < last ? costs.layers * (one.ownBytes + one.relayBytes) : 0,
  );
  return { ttftMs: lastTimes.endMs + tail.tailMs, work, tail, times, sentBytes };
}

function withLastWait(
  times: RankTimes,
  arrived: number,
  arrivals: { readonly made: readonly number[] },
): RankTimes {
  const made = arrivals.made[arrivals.made.length - 1] as number;
  const wait = Math.max(0, arrived - times.endMs);
  const linkWait = Math.max(0, arrived - Math.max(times.endMs, made));
  return { endMs: times.endMs + wait, waitMs: times.waitMs + wait, linkWaitMs: times.linkWaitMs + linkWait };
}

function workOf(costs: ChainCosts, slice: Slice, rank: number, masking: Masking): RankWork {
  return rankWork(workerAt(costs, rank), {
    tokens: sliceTokens(slice),
    prefixTokens: costs.cachedTokens + slice.start,
    relayedTokens: slice.start + (costs.isCachedAtFirst ? costs.cachedTokens : 0),
    contextTokens: costs.contextTokens,
    kvBytes: costs.kvBytes,
    layerShares: costs.layerShares,
    masking,
  });
}

function describe(costs: ChainCosts, chain: ChainTimes, slice: Slice, rank: number): RankPrediction {
  const work = chain.work[rank] as RankWork;
  const times = chain.times[rank] as RankTimes;
  const tail = rank === chain.work.length - 1 ? chain.tail : { tailMs: 0, attentionMs: 0 };
  const computeMs = work.firstMs + (costs.layers - 1) * work.layerMs + tail.tailMs;
  const attentionMs = (costs.layers - 1) * work.attentionMs + tail.attentionMs;
  const link = costs.links[rank];
  const sendMs = link === undefined ? 0 : transferMs(link, chain.sentBytes[rank] as number);
  const limit = limitOf(computeMs - attentionMs, attentionMs, times.linkWaitMs);
  return { rank, slice, computeMs, attentionMs, waitMs: times.waitMs, sendMs, endMs: times.endMs, limit };
}

function limitOf(productsMs: number, attentionMs: number, linkWaitMs: number): RankLimit {
  if (linkWaitMs > productsMs && linkWaitMs > attentionMs) return 'link';
  return attentionMs > productsMs ? 'attention' : 'compute';
}

function workerAt(costs: ChainCosts, rank: number): WorkerCost {
  return costs.workers[rank] as WorkerCost;
}

function checkSizes(costs: ChainCosts, partition: Partition): void {
  const { workers, links } = costs;
  if (partition.length >= 1 && partition.length <= workers.length && partition.length - 1 <= links.length)
    return;
  throw new KvrError(
    'BAD_INPUT',
    `a partition of ${partition.length} slices needs as many workers and one link fewer, but there are ${workers.length} workers and ${links.length} links`,
  );
}
