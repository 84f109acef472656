/**
 * Which workers take part and in what order: weighs sets of workers by their balanced cut. Pure; called by plan.ts.
 *
 * Workers are taken up in the given order, one more at a time, and what was best before stays unless a set with the new
 * one is faster by MIN_GAIN. So adding a worker at the end never makes the predicted plan worse, by construction.
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

/** Polishing a balanced cut saves up to 4 % on slow links; chains further than this behind the best are left as they are. */
const HOPELESS = 1.15;

/** Unequal workers up to this many are weighed in all numbers of the fastest; above, in numbers near the best so far. */
const MAX_FULLY_WEIGHED = 16;

/** A chain: indices into the given workers, in rank order, with its cut. */
export type ChosenChain = SearchedPartition & { readonly workers: readonly number[] };

export function chooseChain(costs: ChainCosts, effort: SearchEffort): ChosenChain {
  const field = fieldOf(costs);
  let best: ChosenChain = { workers: [0], ...exactPartition(costsOf(costs, [0]), 1) };
  for (let count = 2; count <= costs.workers.length; count += 1) {
    if (!isWeighed(field, count)) continue;
    for (const order of ordersOf(field, bestWith(costs, field, count, best.workers.length))) {
      if (roughTtftMs(costs, order) > best.ttftMs * HOPELESS) continue;
      const cut = exactPartition(costsOf(costs, order), order.length, effort);
      if (cut.ttftMs < best.ttftMs * (1 - MIN_GAIN)) best = { workers: order, ...cut };
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

/** Time of the balanced cut before polishing: what sets are compared by. */
export function roughTtftMs(costs: ChainCosts, chain: readonly number[]): number {
  const own = costsOf(costs, chain);
  const sizes = balancedSizes(own, chain.length);
  return predictTtftMs(own, partitionFromSizes(sizes, costs.contextTokens - costs.cachedTokens));
}

/** What is looked at for every count. */
type Field = {
  readonly newTokens: number;
  readonly equalWorkers: boolean;
  readonly equalLinks: boolean;
  /** Time of the whole context on each worker alone. */
  readonly pacesMs: readonly number[];
};

function fieldOf(costs: ChainCosts): Field {
  const newTokens = costs.contextTokens - costs.cachedTokens;
  const alone = partitionFromSizes([newTokens], newTokens);
  const pacesMs = costs.workers.map((_, index) => predictTtftMs(costsOf(costs, [index]), alone));
  return { newTokens, equalWorkers: allEqual(costs.workers), equalLinks: allEqual(costs.links), pacesMs };
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
  const sizes = count <= MAX_FULLY_WEIGHED ? all.map((index) => index + 1) : [bestSize, bestSize + 1, count];
  const sets = [...new Set(sizes)]
    .filter((size) => size <= Math.min(count, field.newTokens))
    .map((size) => fastestFirst.slice(0, size).sort((a, b) => a - b));
  const times = sets.map((set) => roughTtftMs(costs, set));
  return sets[times.indexOf(Math.min(...times))] ?? [0];
}

/** The given order and, where links do not forbid it, slowest first: then the fastest decodes. */
function ordersOf(field: Field, chain: readonly number[]): (readonly number[])[] {
  if (chain.length === 1 || field.equalWorkers || !field.equalLinks) return [chain];
  const slowestFirst = [...chain].sort((a, b) => paceOf(field, b) - paceOf(field, a) || a - b);
  return slowestFirst.every((index, rank) => index === chain[rank]) ? [chain] : [slowestFirst, chain];
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
