/**
 * Load balancing: among chains that are predicted to be equally fast, takes the one whose last worker is less busy, so that
 * equal workers share the decoding of many requests. An idle engine's plans stay as they are. Pure.
 */
import { strategyOf } from '../../core/strategy.js';
import { chainCosts, decodeTokenMs, predictTtftMs } from '../../plan/index.js';
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
  const isPlanned = strategyOf(strategy).planner === 'plan' && partition === 'auto';
  if (planned.reuse || request.decodeOn !== undefined || !isPlanned) return planned;
  const allowed = context.workers.slice(0, mostWorkers(request) ?? context.workers.length);
  const held = ({ workers }: ChainPartition): number => heldBytes.get(workers.at(-1) ?? '') ?? 0;
  return alternatives(planned.workers, allowed)
    .map((workers) => ({ ...planned, workers, predictedTtftMs: predictedMs(planned, workers, context) }))
    .map((other) => ({ ...other, ...answerTime(planned, other, context) }))
    .filter((other) => isAsFast(other, planned))
    .reduce((best, other) => (held(other) < held(best) ? other : best), planned);
}

/** Another worker alone, or the same chain the other way round: that one runs up the list of workers, this one down. */
function alternatives(workers: readonly string[], allowed: readonly string[]): (readonly string[])[] {
  return workers.length > 1 ? [[...workers].reverse()] : allowed.map((worker) => [worker]);
}

function isAsFast(other: ChainPartition, planned: ChainPartition): boolean {
  return timeOf(other) <= MAX_SLOWDOWN * timeOf(planned);
}

function timeOf({ plannedMs, predictedTtftMs }: ChainPartition): number {
  return plannedMs ?? predictedTtftMs ?? 0;
}

/** Where the plan weighed the whole answer, what another last rank takes for it, by what a token costs on either. */
function answerTime(
  planned: ChainPartition,
  { workers, predictedTtftMs }: ChainPartition,
  { costs, shape, contextTokens }: PartitionContext,
): Pick<ChainPartition, 'plannedMs'> {
  if (planned.plannedMs === undefined || planned.predictedTtftMs === null || predictedTtftMs === null)
    return {};
  const tokenMs = (chain: readonly string[]): number => {
    const [cost] = costs?.chain(chain.slice(-1)).workers ?? [];
    return cost ? decodeTokenMs(cost, { layers: shape.layers }, contextTokens) : 0;
  };
  const answerMs = planned.plannedMs - planned.predictedTtftMs;
  const factor = answerMs > 0 ? tokenMs(workers) / tokenMs(planned.workers) : 0;
  return { plannedMs: predictedTtftMs + answerMs * factor };
}

function predictedMs(
  { partition }: ChainPartition,
  chain: readonly string[],
  { contextTokens, shape, costs }: PartitionContext,
): number | null {
  if (!costs) return null;
  return predictTtftMs(chainCosts({ contextTokens, shape, ...costs.chain(chain) }), partition);
}
