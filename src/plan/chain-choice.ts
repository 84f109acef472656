/**
 * Which workers take part and in what order: compares sets of workers by the predicted time of their balanced partition.
 * Pure; called by plan.ts.
 *
 * Workers are taken up in the given order, one more at a time, and what was best before stays unless a set with the new
 * one is faster by MIN_GAIN. So adding a worker at the end never makes the predicted plan worse, by construction.
 *
 * A chain runs up or down the given list of workers, never in another order. See directionsOf for the reason.
 */
import type { LinkCost, WorkerCost } from './costs/cost-model.js';
import { exactPartition } from './search/exact-partition.js';
import type { SearchEffort, SearchedPartition } from './search/exact-partition.js';
import { predictTtftMs } from './predict/predict.js';
import type { ChainCosts } from './costs/chain-costs.js';
import { partitionFromSizes } from '../core/partition.js';
import { balancedSizes } from './search/water-fill.js';

/** A worker that saves less of the predicted time than this is left free for other requests. */
export const MIN_GAIN = 0.005;

/** Polishing a balanced partition saves up to 4 % on slow links; chains further than this behind the best are not polished. */
const HOPELESS = 1.15;

/** Of so many unequal workers the fastest 1, 2, 3, … are all tried; of more only about as many as the best chain so far has. */
const MAX_FULLY_WEIGHED = 16;

/** A chain: indices into the given workers, in rank order (all growing or all falling), with its partition. */
export type ChosenChain = SearchedPartition & { readonly workers: readonly number[] };

export function chooseChain(costs: ChainCosts, effort: SearchEffort): ChosenChain {
  const field = fieldOf(costs);
  let best: ChosenChain = { workers: [0], ...exactPartition(costsOf(costs, [0]), 1) };
  for (let count = 2; count <= costs.workers.length; count += 1) {
    if (!isWeighed(field, count)) continue;
    for (const chain of directionsOf(field, bestWith(costs, field, count, best.workers.length))) {
      if (roughTtftMs(costs, chain) > best.ttftMs * HOPELESS) continue;
      const found = exactPartition(costsOf(costs, chain), chain.length, effort);
      if (found.ttftMs < best.ttftMs * (1 - MIN_GAIN)) best = { workers: chain, ...found };
    }
  }
  return best;
}

/** The costs of a chain of some of the workers; the way past a left-out worker is as slow as the links it spans. */
export function costsOf(costs: ChainCosts, chain: readonly number[]): ChainCosts {
  const workers = chain.map((index) => costs.workers[index] as WorkerCost);
  const links = chain.slice(1).map((to, rank) => linkBetween(costs.links, chain[rank] as number, to));
  return { ...costs, workers, links };
}

/** Time of the balanced partition before polishing: what sets are compared by. */
export function roughTtftMs(costs: ChainCosts, chain: readonly number[]): number {
  const own = costsOf(costs, chain);
  const sizes = balancedSizes(own, chain.length);
  return predictTtftMs(own, partitionFromSizes(sizes, costs.contextTokens - costs.cachedTokens));
}

/** What is known of the workers and links as a whole. */
type Field = {
  readonly newTokens: number;
  readonly equalWorkers: boolean;
  readonly equalLinks: boolean;
  /** Worker 0 holds rows that the others need, so that only it can be the first rank. */
  readonly isFirstFixed: boolean;
  /** Time of the whole context on each worker alone. */
  readonly pacesMs: readonly number[];
};

function fieldOf(costs: ChainCosts): Field {
  const newTokens = costs.contextTokens - costs.cachedTokens;
  const alone = partitionFromSizes([newTokens], newTokens);
  const pacesMs = costs.workers.map((_, index) => predictTtftMs(costsOf(costs, [index]), alone));
  const isFirstFixed = costs.isCachedAtFirst === true && costs.cachedTokens > 0;
  const [equalWorkers, equalLinks] = [allEqual(costs.workers), allEqual(costs.links)];
  return { newTokens, equalWorkers, equalLinks, isFirstFixed, pacesMs };
}

/** Counts that are multiples of a power of two only, where there are very many: a plan is due in seconds. */
function isWeighed(field: Field, count: number): boolean {
  if (field.equalWorkers && count > field.newTokens) return false;
  const [singly, stride] = field.equalWorkers ? [128, 32] : [32, 8];
  return count <= singly || count % stride === 0;
}

/** The most promising set among the first `count` workers, in the given order. */
function bestWith(costs: ChainCosts, field: Field, count: number, bestSize: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  if (field.equalWorkers) return all;
  const fastestFirst = [...all].sort((a, b) => paceOf(field, a) - paceOf(field, b) || a - b);
  const firstChosen = field.isFirstFixed ? [...new Set([0, ...fastestFirst])] : fastestFirst;
  const sizes = count <= MAX_FULLY_WEIGHED ? all.map((index) => index + 1) : [bestSize, bestSize + 1, count];
  const sets = [...new Set(sizes)]
    .filter((size) => size <= Math.min(count, field.newTokens))
    .map((size) => firstChosen.slice(0, size).sort((a, b) => a - b));
  const times = sets.map((set) => roughTtftMs(costs, set));
  return sets[times.indexOf(Math.min(...times))] ?? [0];
}

/**
 * A set of workers as chains: up the list and down it, first the one whose last rank, which decodes, is the faster. Links are
 * taken to be alike both ways, as everywhere in this project: each is measured one way only.
 *
 * No other order, however much faster it may look, because chains of several requests are under way on the same workers
 * at once. A rank that can not pass rows on stops reading from the rank before it. With the chains 0→1→2, 1→2→0 and
 * 2→0→1 each link could so wait for the next one round a circle, for ever. Along one list a link up waits only for
 * links further up, a link down only for links further down, and the last worker always reads: no circle. The engine's
 * other chains (even partitions, reversed ones, those that begin at kept rows) keep to the same list. The order must not follow
 * costs either: they move from request to request.
 *
 * Little is lost: over random workers that differ by up to 2.5 times (3 and 4 of them, 1k to 16k tokens, 1 and 10 Gbit/s) the
 * better direction was predicted within 0.5 % of the best of all orders on average and 1.4 % at most; slowest first,
 * which is what one would try otherwise, within 0.5 % and 2.2 %.
 */
function directionsOf(field: Field, chain: readonly number[]): (readonly number[])[] {
  const isAlike = field.equalWorkers && field.equalLinks;
  if (chain.length === 1 || isAlike || field.isFirstFixed) return [chain];
  const reversed = [...chain].reverse();
  const endsFaster = paceOf(field, chain.at(-1) as number) <= paceOf(field, chain[0] as number);
  return endsFaster ? [chain, reversed] : [reversed, chain];
}

function paceOf(field: Field, index: number): number {
  return field.pacesMs[index] as number;
}

/** The way from one worker to another, past those between them: as slow as the slowest link that it spans. */
export function linkBetween(links: readonly LinkCost[], from: number, to: number): LinkCost {
  const spanned = links.slice(Math.min(from, to), Math.max(from, to));
  return spanned.reduce((slow, link) => ({
    latencyMs: Math.max(slow.latencyMs, link.latencyMs),
    bytesPerS: Math.min(slow.bytesPerS, link.bytesPerS),
    frameBytes: Math.max(slow.frameBytes, link.frameBytes),
  }));
}

function allEqual(values: readonly object[]): boolean {
  const first = JSON.stringify(values[0]);
  return values.every((value) => value === values[0] || JSON.stringify(value) === first);
}
