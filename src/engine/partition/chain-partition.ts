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
import { chainWorkers, checkDecodeOn, plannedWorkers, planWishes } from './wishes.js';

export type ChainPartition = {
  readonly partition: Partition;
  /** Ids of the workers that take part, in rank order. */
  readonly workers: readonly string[];
  readonly predictedTtftMs: number | null;
  /** Of a plan, what it was chosen by: the time to the first token, or to the last one. */
  readonly plannedMs?: number;
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
  /** The order that a chain must keep to, up or down, because others are under way; any order unless given. */
  readonly order?: readonly string[] | undefined;
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
  checkDecodeOn(request, context);
  const { partition, strategy } = request;
  const { planner } = strategyOf(strategy);
  if (planner === 'one slice')
    return predicted(singleSlice(partition, context.contextTokens), request, context, 1);
  if (Array.isArray(partition))
    return predicted(explicitPartition(partition, most, context), request, context, most);
  if (partition === 'auto' && planner === 'plan' && context.costs)
    return planned(request, context.costs, most, context);
  return predicted(namedPartition(partition, most, request, context), request, context, most);
}

function planned(
  request: RequestSettings,
  costs: WorkerCosts,
  most: number,
  context: PartitionContext,
): ChainPartition {
  const { contextTokens, shape } = context;
  const ids = plannedWorkers(request, context, most);
  const plan = planPartition({
    ...{ contextTokens, shape, ...costs.chain(ids) },
    ...planWishes(request, context, ids),
  });
  return {
    partition: plan.partition,
    workers: plan.ranks.map(({ worker }) => ids[worker] as string),
    predictedTtftMs: plan.predictedTtftMs,
    plannedMs: plan.plannedMs,
    leftOut: leftOutOf(plan, ids),
  };
}

/** @param ids of the workers that the plan was made for */
export function leftOutOf({ dropped }: Pick<Plan, 'dropped'>, ids: readonly string[]): LeftOutWorker[] {
  return dropped.map(({ worker, reason }) => ({ worker: ids[worker] as string, reason }));
}

/** 'auto' without a plan (no costs, or a baseline that the plan does not know) is slices of even length. */
function namedPartition(
  name: 'auto' | 'e' | 's' | 'p',
  most: number,
  request: RequestSettings,
  context: PartitionContext,
): Partition {
  const { contextTokens, table } = context;
  if (name === 'auto' || name === 'e')
    return evenPartition(contextTokens, chainWorkers(request, context, most).length);
  if (name === 'p') {
    if (!table)
      throw new KvrError('BAD_INPUT', 'partition p needs a table; build one with: kvr plan --table');
    return lookUpPartition(table, contextTokens, Math.min(most, contextTokens));
  }
  const costs = costsOf(context, chainWorkers(request, context, most));
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
  request: RequestSettings,
  context: PartitionContext,
  most: number,
): ChainPartition {
  const ranks = partition.length;
  const workers = request.decodeOn
    ? chainWorkers(request, context, most).slice(-ranks)
    : chainWorkers(request, context, ranks);
  const costs = costsOf(context, workers);
  return {
    partition,
    workers,
    predictedTtftMs: costs ? predictTtftMs(costs, partition, request.strategy) : null,
  };
}

function costsOf(context: PartitionContext, ids: readonly string[]): ChainCosts | undefined {
  const { costs, contextTokens, shape } = context;
  return costs && chainCosts({ contextTokens, shape, ...costs.chain(ids) });
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
