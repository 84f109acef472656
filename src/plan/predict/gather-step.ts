/**
 * TSP's times: every layer all ranks stop at a barrier, all-gather K and V, then attend.
 * Pure; called by predict.ts. The all-gather is a ring of ranks−1 steps, each as long as its slowest link takes for
 * the largest slice: (ranks−1)·(latency + largest slice / slowest bandwidth), the paper's (p−1)·C entries in all.
 */
import type { RankTimes } from './chain-step.js';
import type { LinkCost } from '../costs/cost-model.js';
import { transferMs } from '../costs/cost-model.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import type { ChainTimes } from './chain-times.js';
import type { RankWork, TailWork } from '../costs/rank-work.js';

/** One all-gather of `bytes` a rank at most over `links` (one for each neighbour pair). */
export function gatherMs(links: readonly LinkCost[], ranks: number, bytes: number): number {
  if (ranks === 1) return 0;
  const used = links.slice(0, ranks - 1);
  return (ranks - 1) * Math.max(...used.map((link) => link.latencyMs + transferMs(link, bytes)));
}

export function gatherTimes(costs: ChainCosts, work: readonly RankWork[], tail: TailWork): ChainTimes {
  const gather = gatherMs(
    costs.links,
    work.length,
    largestOf(work, (one) => one.ownBytes),
  );
  const firstMs = largestOf(work, (one) => one.firstMs) + gather;
  const layerMs = largestOf(work, (one) => one.layerMs) + gather;
  // The last rank needs the last layer's K,V too: one gather more than layers attended by all.
  const gatheredMs = firstMs + (costs.layers - 1) * layerMs;
  const times = work.map((one, rank): RankTimes => {
    const computeMs = one.firstMs + (costs.layers - 1) * one.layerMs;
    if (rank === work.length - 1) {
      return {
        endMs: gatheredMs + tail.tailMs,
        waitMs: gatheredMs - computeMs,
        linkWaitMs: costs.layers * gather,
      };
    }
    const endMs = costs.layers === 1 ? one.firstMs : firstMs + (costs.layers - 2) * layerMs + one.layerMs;
    return { endMs, waitMs: endMs - computeMs, linkWaitMs: (costs.layers - 1) * gather };
  });
  const sentBytes = work.map((one) => (work.length - 1) * costs.layers * one.ownBytes);
  return { ttftMs: gatheredMs + tail.tailMs, work, tail, times, sentBytes };
}

function largestOf(work: readonly RankWork[], read: (one: RankWork) => number): number {
  return work.reduce((most, one) => Math.max(most, read(one)), 0);
}
