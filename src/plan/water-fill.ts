/**
 * Equal finishing times without a grid: for a time T every rank takes the largest slice that meets it, and T is found
 * by false position. Works for unequal workers and links. Pure; the start of exact-partition.ts.
 *
 * A path through the chain's recurrence (chain-step.ts) costs the longest first block up to a rank plus layers−1 times
 * that rank's layer; a link carries all earlier slices of a layer in one layer's time. So rank i's slice S must meet
 *   longest first block up to i + (layers−1)·layerMs(i) ≤ T   and   layers·bytes(slices ≤ i)/bandwidth(i) ≤ T.
 * Chains that are as long for every rank (latencies, the tail) do not move the balance and are left out.
 */
import { evenPartition, sliceTokens } from '../core/partition.js';
import { transferMs } from './cost-model.js';
import type { LinkCost, WorkerCost } from './cost-model.js';
import type { ChainCosts } from './predict.js';
import { rankWork } from './rank-work.js';
import type { RankWork } from './rank-work.js';

/** Steps of the search for T; false position takes about ten. */
const MAX_TIME_STEPS = 60;

/**
 * Sizes in rank order that finish together, every one at least 1 token.
 * @param ranks at most the number of new tokens
 */
export function balancedSizes(costs: ChainCosts, ranks: number): number[] {
  const wanted = costs.contextTokens - costs.cachedTokens;
  // The even cut's slowest rank is nearly time enough.
  let high = evenTimeMs(costs, ranks, wanted);
  let sizes = sizesWithin(costs, ranks, high);
  let [low, lowTotal, highTotal] = [0, 0, totalOf(sizes)];
  // Earlier ranks may take more than their even share and so leave a later one, behind a longer prefix, with less.
  while (highTotal < wanted) {
    [low, lowTotal] = [high, highTotal];
    high *= 2;
    sizes = sizesWithin(costs, ranks, high);
    highTotal = totalOf(sizes);
  }
  for (let step = 0; step < MAX_TIME_STEPS && highTotal - wanted > ranks; step += 1) {
    // Alternating with halving keeps false position from creeping where total(T) bends.
    const share = step % 3 === 2 ? 0.5 : (wanted - lowTotal) / (highTotal - lowTotal);
    const middle = low + (high - low) * Math.min(0.99, Math.max(0.01, share));
    const candidate = sizesWithin(costs, ranks, middle);
    const total = totalOf(candidate);
    if (total < wanted) [low, lowTotal] = [middle, total];
    else [high, highTotal, sizes] = [middle, total, candidate];
  }
  return trimmed(sizes, wanted);
}

/** The longest time of a rank, or of a link, when the context is cut evenly. */
function evenTimeMs(costs: ChainCosts, ranks: number, tokens: number): number {
  let longestMs = 0;
  let longestFirstMs = 0;
  for (const [rank, slice] of evenPartition(tokens, ranks).entries()) {
    const work = workOf(costs, rank, slice.start, sliceTokens(slice));
    longestFirstMs = Math.max(longestFirstMs, work.firstMs);
    longestMs = Math.max(longestMs, longestFirstMs + (costs.layers - 1) * work.layerMs);
    const link = costs.links[rank];
    if (link === undefined || rank === ranks - 1) continue;
    longestMs = Math.max(longestMs, transferMs(link, costs.layers * costs.kvBytes) * (slice.end + 1));
  }
  return longestMs;
}

/** The largest slice of every rank that meets the time, and 1 token where none does. */
function sizesWithin(costs: ChainCosts, ranks: number, limitMs: number): number[] {
  const newTokens = costs.contextTokens - costs.cachedTokens;
  const sizes: number[] = [];
  let start = 0;
  let longestFirstMs = 0;
  for (let rank = 0; rank < ranks; rank += 1) {
    // More than the context is allowed here: total(T) must keep growing for false position to see a slope.
    const left = newTokens;
    const size = Math.max(
      1,
      largestSlice(costs, rank, rank === ranks - 1, start, left, longestFirstMs, limitMs),
    );
    sizes.push(size);
    longestFirstMs = Math.max(longestFirstMs, workOf(costs, rank, start, size).firstMs);
    start += size;
  }
  return sizes;
}

/** Bisection over whole tokens; the time of a slice grows with its size. @returns 0 where not even 1 token meets it */
function largestSlice(
  costs: ChainCosts,
  rank: number,
  isLast: boolean,
  start: number,
  left: number,
  longestFirstMs: number,
  limitMs: number,
): number {
  const link = isLast ? undefined : costs.links[rank];
  let low = 0;
  let high = Math.max(
    0,
    link === undefined ? left : Math.min(left, linkTokens(costs, link, limitMs) - start),
  );
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const work = workOf(costs, rank, start, middle);
    const pathMs = Math.max(longestFirstMs, work.firstMs) + (costs.layers - 1) * work.layerMs;
    if (pathMs <= limitMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Tokens whose K,V of all layers a link carries within the time. */
function linkTokens(costs: ChainCosts, link: LinkCost, limitMs: number): number {
  const perTokenMs = transferMs(link, costs.layers * costs.kvBytes);
  return perTokenMs === 0
    ? costs.contextTokens
    : Math.floor(Math.min(costs.contextTokens, limitMs / perTokenMs));
}

function workOf(costs: ChainCosts, rank: number, start: number, tokens: number): RankWork {
  return rankWork(costs.workers[rank] as WorkerCost, {
    tokens,
    prefixTokens: costs.cachedTokens + start,
    relayedTokens: start,
    contextTokens: costs.contextTokens,
    kvBytes: costs.kvBytes,
    masking: 'causal',
  });
}

/** Takes what the minimum of 1 token a slice or rounding put on top from the largest slices. */
function trimmed(sizes: readonly number[], tokens: number): number[] {
  const result = [...sizes];
  for (let excess = totalOf(result) - tokens; excess > 0;) {
    const largest = result.indexOf(Math.max(...result));
    const taken = Math.min(
      excess,
      (result[largest] as number) - 1,
      Math.max(1, Math.floor(excess / result.length)),
    );
    result[largest] = (result[largest] as number) - taken;
    excess -= taken;
  }
  return result;
}

function totalOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
