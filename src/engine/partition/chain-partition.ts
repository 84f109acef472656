/**
 * Chooses the chain of a request: which of the engine's workers take part, in which order, with which slices, and the
 * predicted time. Without measured costs, slices are even. Pure.
 */
import { KvrError } from '../../core/errors.js';
import { evenPartition, type Partition, partitionFromSizes } from '../../core/partition.js';
import type { ModelShape } from '../../core/shape.js';
import { strategyOf } from '../../core/strategy.js';
import {
  chainCosts,
  type ChainCosts,
  lookUpPartition,
  type PartitionTable,
  type Plan,
  planPartition,
  predictTtftMs,
  searchedPartition,
} from '../../plan/index.js';
import { mostWorkers } from '../options/chain-choice.js';
import type { RequestSettings } from '../options/request.js';
import type { ReusedRows } from '../chain/prefix-index.js';
import type { WorkerCosts } from './worker-costs.js';

export type ChainPartition = {
  readonly partition: Partition;
  /** Ids of the workers that take part, in rank order. */
  readonly workers: readonly string[];
  readonly predictedTtftMs: number | null;
  /** Rows that rank 0's worker has kept of an earlier request. */
  readonly reuse?: ReusedRows;
  /** Workers that the plan does without, where there is a plan. */
  readonly leftOut?: readonly LeftOutWorker[];
};

/** A worker that could take part, and why it does not. */
export type LeftOutWorker = { readonly worker: string; readonly reason: string };

export type PartitionContext = {
  readonly contextTokens: number;
  /** Ids of the engine's workers that the request may use and that can be used now, in chain order. */
  readonly workers: readonly string[];
  /** How many it may use, whether they can be used now or not; those in `workers` unless given. */
  readonly allWorkers?: number;
  readonly shape: ModelShape;
  readonly costs: WorkerCosts | undefined;
  readonly table: PartitionTable | undefined;
};

/** @throws BAD_INPUT where sizes do not add up, or more workers are asked for than there are */
export function partitionContext(request: RequestSettings, context: PartitionContext): ChainPartition {
  const all = context.allWorkers ?? context.workers.length;
  const asked = mostWorkers(request);
  if (asked !== undefined && asked > all) {
    throw new KvrError(
      'BAD_INPUT',
      `request asks for ${asked} workers, the engine has ${all}; start it with more`,
    );
  }
  const most = Math.min(asked ?? all, context.workers.length);
  const { partition, strategy } = request;
  const { planner } = strategyOf(strategy);
  if (planner === 'one slice')
    return predicted(singleSlice(partition, context.contextTokens), request, context);
  if (Array.isArray(partition))
    return predicted(explicitPartition(partition, most, context), request, context);
  if (partition === 'auto' && planner === 'plan' && context.costs)
    return planned(context.costs, most, context);
  return predicted(namedPartition(partition, most, context), request, context);
}

function planned(costs: WorkerCosts, most: number, context: PartitionContext): ChainPartition {
  const { contextTokens, shape, workers } = context;
  const ids = workers.slice(0, most);
  const plan = planPartition({ contextTokens, shape, ...costs.chain(ids), orders: 'listed' });
  return {
    partition: plan.partition,
    workers: plan.ranks.map(({ worker }) => ids[worker] as string),
    predictedTtftMs: plan.predictedTtftMs,
    leftOut: leftOutOf(plan, ids),
  };
}

/** @param ids of the workers that the plan was made for */
export function leftOutOf({ dropped }: Pick<Plan, 'dropped'>, ids: readonly string[]): LeftOutWorker[] {
  return dropped.map(({ worker, reason }) => ({ worker: ids[worker] as string, reason }));
}

/** 'auto' without a plan (no costs, or a baseline that the plan does not know) is slices of even length. */
function namedPartition(name: 'auto' | 'e' | 's' | 'p', most: number, context: PartitionContext): Partition {
  const { contextTokens, table } = context;
  if (name === 'auto' || name === 'e') return evenPartition(contextTokens, most);
  if (name === 'p') {
    if (!table)
      throw new KvrError('BAD_INPUT', 'partition p needs a table; build one with: kvr plan --table');
    return lookUpPartition(table, contextTokens, Math.min(most, contextTokens));
  }
  const costs = costsOf(context, most);
  if (!costs) throw new KvrError('BAD_INPUT', 'partition s needs measured workers; leave calibration on');
  return searchedPartition(costs, Math.min(most, contextTokens)).partition;
}

function explicitPartition(
  sizes: readonly number[],
  most: number,
  { contextTokens }: PartitionContext,
): Partition {
  if (sizes.length > most) {
    throw new KvrError(
      'BAD_INPUT',
      `partition has ${sizes.length} slices for ${most} workers; give at most ${most}`,
    );
  }
  return partitionFromSizes(sizes, contextTokens);
}

function predicted(
  partition: Partition,
  { strategy }: RequestSettings,
  context: PartitionContext,
): ChainPartition {
  const costs = costsOf(context, partition.length);
  return {
    partition,
    workers: context.workers.slice(0, partition.length),
    predictedTtftMs: costs ? predictTtftMs(costs, partition, strategy) : null,
  };
}

/** Of a chain of the first workers. */
function costsOf(context: PartitionContext, count: number): ChainCosts | undefined {
  const { costs, contextTokens, shape, workers } = context;
  return costs && chainCosts({ contextTokens, shape, ...costs.chain(workers.slice(0, count)) });
}

function singleSlice(partition: RequestSettings['partition'], contextTokens: number): Partition {
  if (Array.isArray(partition) && partition.length > 1) {
    throw new KvrError(
      'BAD_INPUT',
      `strategy single takes one slice, not ${partition.length}; leave --partition out`,
    );
  }
  return evenPartition(contextTokens, 1);
}
