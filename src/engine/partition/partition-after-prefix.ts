/**
 * The partition of a prompt whose first tokens' rows some worker has kept. That worker becomes rank 0, so that the kept rows
 * are a part of its slice that only has to be sent, not computed; or it answers alone, or the rows are not used: whatever is
 * predicted to be fastest. Pure.
 */
import {
  evenPartition,
  type Partition,
  partitionFromSizes,
  partitionSizes,
  sliceTokens,
} from '../../core/partition.js';
import { planPartition } from '../../plan/index.js';
import { strategyOf } from '../../core/strategy.js';
import {
  type ChainPartition,
  leftOutOf,
  type PartitionContext,
  partitionContext,
} from './chain-partition.js';
import { mostWorkers } from '../options/chain-choice.js';
import type { RequestSettings } from '../options/request.js';
import type { CachedPrefix, ReusedRows } from '../chain/prefix-index.js';
import { planWishes } from './wishes.js';

/**
 * Computed of every prompt, whatever is kept of it. The last token is needed; a row alone is added up in another order
 * than among others, and where activations are rounded to 8 bits, a last digit may move a value by a whole step.
 */
const LEAST_NEW_TOKENS = 2;

/** @param found kept prefixes of the prompt, at most one a worker. @throws as partitionContext */
export function partitionAfterPrefix(
  request: RequestSettings,
  context: PartitionContext,
  found: readonly CachedPrefix[],
): ChainPartition {
  const plain = partitionContext(request, context);
  const { reusesPrefix, planner } = strategyOf(request.strategy);
  if (!reusesPrefix) return plain;
  const most = mostWorkers(request) ?? context.workers.length;
  const isPlanned = planner === 'plan' && request.partition === 'auto';
  const candidates = found.flatMap((prefix) => {
    if (!isPlanned) return reordered(plain, prefix, request, context);
    return chainsFrom(prefix.worker, request, context, most).flatMap((chain) =>
      planned(chain, prefix, request, context),
    );
  });
  if (!isPlanned || !context.costs) return candidates[0] ?? plain;
  return [...candidates, plain].reduce((best, other) => (timeOf(other) < timeOf(best) ? other : best));
}

function timeOf({ plannedMs, predictedTtftMs }: ChainPartition): number {
  return plannedMs ?? predictedTtftMs ?? Infinity;
}

/** The same slices on a chain that begins with the worker that has kept the rows, where there is such a chain. */
function reordered(
  plain: ChainPartition,
  prefix: CachedPrefix,
  request: RequestSettings,
  context: PartitionContext,
): ChainPartition[] {
  const { contextTokens } = context;
  const ranks = plain.partition.length;
  const chain = listedChainsFrom(prefix.worker, context, ranks).find(({ length }) => length === ranks);
  if (!chain || (request.decodeOn !== undefined && chain.at(-1) !== request.decodeOn)) return [];
  const most = ranks === 1 ? contextTokens - LEAST_NEW_TOKENS : (plain.partition[0]?.end ?? 0);
  const tokens = Math.min(prefix.tokens, most);
  if (tokens < 1) return [];
  // The prediction was for a chain that computes everything.
  return [{ ...plain, workers: chain, predictedTtftMs: null, reuse: reused(prefix, tokens) }];
}

/** Workers of a chain that begins with one of them: all others may follow, or those up and down the order in force from it. */
function chainsFrom(
  worker: string,
  request: RequestSettings,
  context: PartitionContext,
  most: number,
): (readonly string[])[] {
  if (context.order || !context.costs) return listedChainsFrom(worker, context, most);
  const { workers } = context;
  const others = workers.filter((other) => other !== worker);
  const wanted = others.toSorted((a, b) => Number(b === request.decodeOn) - Number(a === request.decodeOn));
  const taken = wanted.slice(0, most - 1);
  return [[worker, ...others.filter((other) => taken.includes(other))]];
}

/** Up and down the order of workers from one of them. */
function listedChainsFrom(worker: string, { workers, order }: PartitionContext, most: number): string[][] {
  const listed = order ?? workers;
  const place = listed.indexOf(worker);
  const up = listed.slice(place).slice(0, most);
  const down = listed
    .slice(0, place + 1)
    .reverse()
    .slice(0, most);
  return up.length >= down.length ? [up, down] : [down, up];
}

function planned(
  chain: readonly string[],
  prefix: CachedPrefix,
  request: RequestSettings,
  context: PartitionContext,
): ChainPartition[] {
  const { contextTokens, shape, costs } = context;
  const { decodeOn } = request;
  const cachedTokens = Math.min(prefix.tokens, contextTokens - LEAST_NEW_TOKENS);
  const reuse = reused(prefix, cachedTokens);
  if (decodeOn !== undefined && !chain.includes(decodeOn)) return [];
  if (!costs) {
    const even = evenAfter(chain, cachedTokens, contextTokens);
    if (decodeOn !== undefined && even.workers.at(-1) !== decodeOn) return [];
    return [{ ...even, predictedTtftMs: null, reuse }];
  }
  const ahead = { cachedTokens, isCachedAtFirst: true };
  const plan = planPartition({
    ...{ contextTokens, ...ahead, shape, ...costs.chain(chain) },
    ...planWishes(request, context, chain),
  });
  // Whoever is first must be the one that has the rows.
  if (plan.ranks[0]?.worker !== 0) return [];
  return [
    {
      partition: afterCached(plan.partition, cachedTokens),
      workers: plan.ranks.map(({ worker }) => chain[worker] as string),
      predictedTtftMs: plan.predictedTtftMs,
      plannedMs: plan.plannedMs,
      leftOut: leftOutOf(plan, chain),
      reuse,
    },
  ];
}

function reused({ entry }: CachedPrefix, tokens: number): ReusedRows {
  return { tokens, ...(entry !== undefined && { entry }) };
}

/** Without costs: the worker alone if the new tokens are at most an even share of the prompt, else even slices of them. */
function evenAfter(
  chain: readonly string[],
  cachedTokens: number,
  contextTokens: number,
): Pick<ChainPartition, 'partition' | 'workers'> {
  const newTokens = contextTokens - cachedTokens;
  const ranks = newTokens * chain.length <= contextTokens ? 1 : chain.length;
  const partition = afterCached(evenPartition(newTokens, ranks), cachedTokens);
  return { partition, workers: chain.slice(0, partition.length) };
}

/** Slices of what is new as slices of the prompt: the kept rows belong to the first one. */
function afterCached(partition: Partition, cachedTokens: number): Partition {
  const [first = 0, ...others] = partitionSizes(partition);
  const newTokens = partition.reduce((sum, slice) => sum + sliceTokens(slice), 0);
  return partitionFromSizes([first + cachedTokens, ...others], newTokens + cachedTokens);
}
