/**
 * Equal finishing times without a grid: for a time T every rank takes the largest slice that meets it, and T is found
 * by false position. Works for unequal workers and links. Pure; the start of exact-partition.ts.
 *
 * A path through the chain's recurrence (chain-step.ts) costs the longest first block up to a rank plus layers−1 times
 * that rank's layer; a link carries all earlier slices of a layer in one layer's time. So rank i's slice S must meet
 *   longest first block up to i + (layers−1)·layerMs(i) ≤ T   and   layers·bytes(slices ≤ i)/bandwidth(i) ≤ T.
 * Chains that are as long for every rank (latencies, the tail) do not move the balance and are left out.
 */
import { evenPartition, partitionSizes, sliceTokens } from '../../core/partition.js';
import { transferMs } from '../costs/cost-model.js';
import type { LinkCost, WorkerCost } from '../costs/cost-model.js';
import type { ChainCosts } from '../costs/chain-costs.js';
import { FULL_LAYERS, meanOver } from '../costs/layer-shares.js';
import { firstLayerMs, laterLayerMs } from '../costs/rank-work.js';

/** Steps of the search for T; false position takes about ten. */
const MAX_TIME_STEPS = 60;

/** Sizes move by about this part of themselves from one time to the next: 2^-5. */
const FIRST_STEP_SHIFT = 5;

/**
 * Sizes in rank order that finish together, every one at least 1 token.
 * @param ranks at most the number of new tokens
 */
export function balancedSizes(costs: ChainCosts, ranks: number): number[] {
  const wanted = costs.contextTokens - costs.cachedTokens;
  // The even partition's slowest rank is nearly time enough.
  let high = evenTimeMs(costs, ranks, wanted);
  let sizes = sizesWithin(costs, ranks, high, partitionSizes(evenPartition(wanted, ranks)));
  let [low, lowTotal, highTotal] = [0, 0, totalOf(sizes)];
  // Earlier ranks may take more than their even share and so leave a later one, behind a longer prefix, with less.
  while (highTotal < wanted) {
    [low, lowTotal] = [high, highTotal];
    high *= 2;
    sizes = sizesWithin(costs, ranks, high, sizes);
    highTotal = totalOf(sizes);
  }
  for (let step = 0; step < MAX_TIME_STEPS && highTotal - wanted > ranks; step += 1) {
    // Alternating with halving keeps false position from creeping where total(T) bends.
    const share = step % 3 === 2 ? 0.5 : (wanted - lowTotal) / (highTotal - lowTotal);
    const middle = low + (high - low) * Math.min(0.99, Math.max(0.01, share));
    const candidate = sizesWithin(costs, ranks, middle, sizes);
    const total = totalOf(candidate);
    if (total < wanted) [low, lowTotal] = [middle, total];
    else [high, highTotal, sizes] = [middle, total, candidate];
  }
  return trimmed(sizes, wanted);
}

/** The longest time of a rank, or of a link, when slices are even. */
function evenTimeMs(costs: ChainCosts, ranks: number, tokens: number): number {
  let longestMs = 0;
  let longestFirstMs = 0;
  for (const [rank, slice] of evenPartition(tokens, ranks).entries()) {
    const worker = costs.workers[rank] as WorkerCost;
    const tokens = sliceTokens(slice);
    const layerMs = laterLayerMs(worker, tokens, costs.cachedTokens + slice.start, costs.layerShares);
    longestFirstMs = Math.max(longestFirstMs, firstLayerMs(worker, tokens));
    longestMs = Math.max(longestMs, longestFirstMs + (costs.layers - 1) * layerMs);
    const link = costs.links[rank];
    if (link === undefined || rank === ranks - 1) continue;
    longestMs = Math.max(longestMs, transferMs(link, costs.layers * costs.kvBytes) * (slice.end + 1));
  }
  return longestMs;
}

/**
 * The largest slice of every rank that meets the time, and 1 token where none does.
 * @param near sizes of another time, where the search for these begins
 */
function sizesWithin(costs: ChainCosts, ranks: number, limitMs: number, near: readonly number[]): number[] {
  const sizes: number[] = [];
  let start = 0;
  let longestFirstMs = 0;
  for (let rank = 0; rank < ranks; rank += 1) {
    const worker = costs.workers[rank] as WorkerCost;
    const most = mostTokens(costs, rank === ranks - 1 ? undefined : costs.links[rank], start, limitMs);
    const size = Math.max(
      1,
      sliceWithin(costs, worker, { start, longestFirstMs }, limitMs, most, near[rank]),
    );
    sizes.push(size);
    longestFirstMs = Math.max(longestFirstMs, firstLayerMs(worker, size));
    start += size;
  }
  return sizes;
}

/** What lies before a rank's slice: new tokens, and the longest first block of the ranks before it. */
export type SlicesBefore = { readonly start: number; readonly longestFirstMs: number };

/**
 * The largest slice of a worker that meets the time, 0 where none does.
 * @param most no more than so many tokens. @param near where the search begins
 */
export function sliceWithin(
  { layers, layerShares, cachedTokens }: ChainCosts,
  worker: WorkerCost,
  { start, longestFirstMs }: SlicesBefore,
  limitMs: number,
  most: number,
  near = 1,
): number {
  const prefixTokens = cachedTokens + start;
  const meets = (tokens: number): boolean =>
    Math.max(longestFirstMs, firstLayerMs(worker, tokens)) +
      (layers - 1) * laterLayerMs(worker, tokens, prefixTokens, layerShares) <=
    limitMs;
  return largestThat(meets, most, near);
}

/** More than what is left of the context is allowed: total(T) must keep growing for false position to see a slope. */
function mostTokens(costs: ChainCosts, link: LinkCost | undefined, start: number, limitMs: number): number {
  const newTokens = costs.contextTokens - costs.cachedTokens;
  if (link === undefined) return newTokens;
  return Math.max(0, Math.min(newTokens, linkTokens(costs, link, limitMs) - start));
}

/**
 * Bisection over whole tokens in a bracket that doubles from a guess; times grow with sizes.
 * @returns 0 where not even 1 token meets it
 */
function largestThat(meets: (tokens: number) => boolean, most: number, guess: number): number {
  let [low, high] = bracket(meets, most, Math.min(guess, most));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (meets(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @returns a size that meets the time, and one that all larger ones than do not */
function bracket(meets: (tokens: number) => boolean, most: number, guess: number): [number, number] {
  let step = Math.max(1, guess >> FIRST_STEP_SHIFT);
  if (guess === 0 || meets(guess)) {
    for (let low = guess; low < most; step *= 2) {
      const next = Math.min(most, low + step);
      if (!meets(next)) return [low, next - 1];
      low = next;
    }
    return [most, most];
  }
  for (let high = guess - 1; high > 0; step *= 2) {
    const next = Math.max(0, high + 1 - step);
    if (next === 0 || meets(next)) return [next, high];
    high = next - 1;
  }
  return [0, 0];
}

/** Tokens whose K,V of all layers a link carries within the time. */
export function linkTokens(costs: ChainCosts, link: LinkCost, limitMs: number): number {
  // Layers with a window send as much however long the prompt is: what they add is left to the search that follows.
  const { layerShares = FULL_LAYERS } = costs;
  const share = meanOver(layerShares, ({ windowTokens }) => (windowTokens === undefined ? 1 : 0));
  const perTokenMs = share * transferMs(link, costs.layers * costs.kvBytes);
  return perTokenMs === 0
    ? costs.contextTokens
    : Math.floor(Math.min(costs.contextTokens, limitMs / perTokenMs));
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
