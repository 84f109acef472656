/**
 * From what a request asks for to a chain: which of the engine's workers take part, in which order, with which
 * slices, and what that is expected to take. Costs come from the cost book; without one, cuts are even.
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
  predictTtftMs,
  searchedPartition,
} from '../../plan/index.js';
import type { CalibrationStore } from './calibration-store.js';
import type { RequestSettings } from '../options/request.js';

export type ChainPartition = {
  readonly partition: Partition;
  /** Indices of the engine's workers, in rank order. */
  readonly workers: readonly number[];
  readonly predictedTtftMs: number | null;
  /** Rows that rank 0's worker has kept of an earlier request. */
  readonly reuse?: { readonly entry: number; readonly tokens: number };
};

/** What a cut is made with: a cost book, or costs of workers that are only thought of. */
export type Costs = Pick<CalibrationStore, 'knowledge' | 'plan'>;

export type PartitionContext = {
  readonly contextTokens: number;
  /** How many workers the engine has. */
  readonly workers: number;
  readonly shape: ModelShape;
  readonly book: Costs | undefined;
  readonly table: PartitionTable | undefined;
};

/** @throws BAD_INPUT where sizes do not add up, or more workers are asked for than there are */
export function partitionContext(request: RequestSettings, context: PartitionContext): ChainPartition {
  const most = request.workers ?? context.workers;
  if (most > context.workers) {
    throw new KvrError(
      'BAD_INPUT',
      `request asks for ${most} workers, the engine has ${context.workers}; start it with more`,
    );
  }
  const { partition, strategy } = request;
  const { planner } = strategyOf(strategy);
  if (planner === 'one slice')
    return predicted(singleSlice(partition, context.contextTokens), request, context);
  if (Array.isArray(partition)) return predicted(explicitCut(partition, most, context), request, context);
  if (partition === 'auto' && planner === 'plan' && context.book)
    return plannedCut(context.book, most, context);
  return predicted(namedCut(partition, most, context), request, context);
}

function plannedCut(book: Costs, most: number, { contextTokens }: PartitionContext): ChainPartition {
  const { partition, ranks, predictedTtftMs } = book.plan(contextTokens, most);
  return { partition, workers: ranks.map(({ worker }) => worker), predictedTtftMs };
}

/** 'auto' without a plan (no costs, or a baseline that the plan does not know) is the even cut. */
function namedCut(name: 'auto' | 'e' | 's' | 'p', most: number, context: PartitionContext): Partition {
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

function explicitCut(sizes: readonly number[], most: number, { contextTokens }: PartitionContext): Partition {
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
    workers: partition.map((_, rank) => rank),
    predictedTtftMs: costs ? predictTtftMs(costs, partition, strategy) : null,
  };
}

function costsOf({ book, contextTokens, shape }: PartitionContext, workers: number): ChainCosts | undefined {
  if (!book) return undefined;
  const { workers: costs, links, kvDtype } = book.knowledge;
  return chainCosts({
    contextTokens,
    shape,
    kvDtype,
    workers: costs.slice(0, workers),
    links: links.slice(0, workers - 1),
  });
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
