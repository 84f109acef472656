/**
 * Requests spread over workers that do as well for them: a planned chain decodes where less is going on, so that two
 * workers of the same speed share the load of many requests. An idle engine's plans stay as they are. Pure.
 */
import { strategyOf } from '../../core/strategy.js';
import { chainCosts, predictTtftMs } from '../../plan/index.js';
import type { ChainPartition, PartitionContext } from './chain-partition.js';
import type { RequestSettings } from '../options/request.js';

/** A chain that is predicted to be slower than the planned one by more than this is no equal of it. */
const MAX_SLOWDOWN = 1.1;

/** @param heldBytes KV-cache that requests under way hold on each worker: what says how busy it is */
export function balanceLoad(
  cut: ChainPartition,
  { strategy, partition, workers: asked }: RequestSettings,
  context: PartitionContext,
  heldBytes: readonly number[],
): ChainPartition {
  if (cut.reuse || strategyOf(strategy).planner !== 'plan' || partition !== 'auto') return cut;
  const most = Math.min(asked ?? context.workers, context.workers);
  const held = ({ workers }: ChainPartition): number => heldBytes[workers.at(-1) ?? 0] ?? 0;
  return alternatives(cut.workers, most)
    .map((workers) => ({ ...cut, workers, predictedTtftMs: predictedOf(cut, workers, context) }))
    .filter((other) => isAsFast(other, cut))
    .reduce((best, other) => (held(other) < held(best) ? other : best), cut);
}

/** Another worker alone, or the same chain the other way round: that one runs up the list of workers, this one down. */
function alternatives(workers: readonly number[], most: number): (readonly number[])[] {
  if (workers.length > 1) return [[...workers].reverse()];
  return Array.from({ length: most }, (_, worker) => [worker]);
}

function isAsFast(other: ChainPartition, cut: ChainPartition): boolean {
  return (other.predictedTtftMs ?? 0) <= MAX_SLOWDOWN * (cut.predictedTtftMs ?? 0);
}

function predictedOf(
  cut: ChainPartition,
  chain: readonly number[],
  context: PartitionContext,
): number | null {
  const { contextTokens, shape, book } = context;
  if (!book) return null;
  const { workers, links, kvDtype } = book.knowledge;
  const costs = chainCosts({
    contextTokens,
    shape,
    kvDtype,
    workers: chain.flatMap((worker) => workers[worker] ?? []),
    links: chain.slice(1).flatMap((to, rank) => links[Math.min(to, chain[rank] as number)] ?? []),
  });
  return predictTtftMs(costs, cut.partition);
}
