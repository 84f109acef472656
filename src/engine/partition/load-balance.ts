/**
 * Load balancing: among chains that are predicted to be equally fast, takes the one whose last worker is less busy, so that
 * equal workers share the decoding of many requests. An idle engine's plans stay as they are. Pure.
 */
import { strategyOf } from '../../core/strategy.js';
import { chainCosts, predictTtftMs } from '../../plan/index.js';
import { mostWorkers } from '../options/chain-choice.js';
import type { RequestSettings } from '../options/request.js';
import type { ChainPartition, PartitionContext } from './chain-partition.js';

/** Chains predicted to be slower than the planned one by more than this factor do not count as equally fast. */
const MAX_SLOWDOWN = 1.1;

/** @param heldBytes KV-cache that requests under way hold, by worker: the measure of how busy it is */
export function balanceLoad(
  planned: ChainPartition,
  request: RequestSettings,
  context: PartitionContext,
  heldBytes: ReadonlyMap<string, number>,
): ChainPartition {
  const { strategy, partition } = request;
  if (planned.reuse || strategyOf(strategy).planner !== 'plan' || partition !== 'auto') return planned;
  const allowed = context.workers.slice(0, mostWorkers(request) ?? context.workers.length);
  const held = ({ workers }: ChainPartition): number => heldBytes.get(workers.at(-1) ?? '') ?? 0;
  return alternatives(planned.workers, allowed)
    .map((workers) => ({ ...planned, workers, predictedTtftMs: predictedMs(planned, workers, context) }))
    .filter((other) => isAsFast(other, planned))
    .reduce((best, other) => (held(other) < held(best) ? other : best), planned);
}

/** Another worker alone, or the same chain the other way round: that one runs up the list of workers, this one down. */
function alternatives(workers: readonly string[], allowed: readonly string[]): (readonly string[])[] {
  return workers.length > 1 ? [[...workers].reverse()] : allowed.map((worker) => [worker]);
}

function isAsFast(other: ChainPartition, planned: ChainPartition): boolean {
  return (other.predictedTtftMs ?? 0) <= MAX_SLOWDOWN * (planned.predictedTtftMs ?? 0);
}

function predictedMs(
  { partition }: ChainPartition,
  chain: readonly string[],
  { contextTokens, shape, costs }: PartitionContext,
): number | null {
  if (!costs) return null;
  return predictTtftMs(chainCosts({ contextTokens, shape, ...costs.chain(chain) }), partition);
}
