/**
 * One simulated prompt phase: a strategy on a described cluster. Pure; up to 1,024 ranks and 1 M tokens in seconds.
 * Called by the simulate command and by paper.ts. All figures from here are "simulated", never "measured".
 *
 * Paper symbols: C is contextTokens, p is ranks, TTFT(p) is ttftMs, its TSP is 'tsp-dense'.
 */
import { KvrError } from '../core/errors.js';
import { evenPartition, MAX_RANKS } from '../core/partition.js';
import type { Partition } from '../core/partition.js';
import type { ModelShape } from '../core/shape.js';
import type { ClusterProfile, Policy } from './cluster.js';
import { OUR_POLICY } from './cluster.js';
import type { PartitionKind } from './partitions.js';
import { partitionContext } from './partitions.js';
import { deviceTimes } from './device-times.js';
import type { Setup, SimulatedRank } from './setup.js';
import { simulatedStrategyOf, type SimulatedStrategyName } from './strategies.js';

/** The longest context simulated. */
export const MAX_SIMULATED_TOKENS = 1 << 20;

export type SimulationRequest = {
  readonly strategy: SimulatedStrategyName;
  readonly shape: ModelShape;
  readonly cluster: ClusterProfile;
  readonly contextTokens: number;
  readonly ranks: number;
  /** For kvr: a kind of partition ('exact' unless given) or the slices themselves. Others share evenly. */
  readonly partition?: PartitionKind | Partition;
  readonly policy?: Policy;
};

/** What came out; milliseconds and bytes. */
export type Simulation = {
  readonly ttftMs: number;
  readonly partition: Partition;
  readonly ranks: readonly SimulatedRank[];
  /** Everything that crosses links. */
  readonly trafficBytes: number;
};

/** @throws BAD_INPUT where the request is not one that can be simulated */
export function simulate(request: SimulationRequest): Simulation {
  const setup = setupOf(request);
  const outcome = simulatedStrategyOf(request.strategy).simulate(setup);
  const trafficBytes = outcome.ranks.reduce((sum, rank) => sum + rank.sentBytes, 0);
  return { ...outcome, partition: setup.partition, trafficBytes };
}

/** The same time from the event engine: slow, for small clusters, to check the recurrences by. @throws BAD_INPUT */
export function ttftMsByEvents(request: SimulationRequest): number {
  return simulatedStrategyOf(request.strategy).ttftMsByEvents(setupOf(request));
}

/** Everything decided, the partition last: it is searched on the setup itself. */
export function setupOf(request: SimulationRequest): Setup {
  checkSize(request.contextTokens, request.ranks);
  const { planner } = simulatedStrategyOf(request.strategy);
  const ranks = planner === 'one slice' ? 1 : request.ranks;
  const setup: Setup = {
    times: deviceTimes(request.shape, request.cluster.device),
    cluster: request.cluster,
    policy: request.policy ?? OUR_POLICY,
    contextTokens: request.contextTokens,
    partition: evenPartition(request.contextTokens, ranks),
  };
  return planner === 'plan' ? { ...setup, partition: partitionOf(setup, request) } : setup;
}

function partitionOf(setup: Setup, request: SimulationRequest): Partition {
  const { partition = 'exact' } = request;
  return typeof partition === 'string'
    ? partitionContext(setup, partition)
    : checkedPartition(partition, request);
}

function checkedPartition(partition: Partition, request: SimulationRequest): Partition {
  const end = partition[partition.length - 1]?.end;
  if (partition.length <= request.ranks && end === request.contextTokens) return partition;
  throw new KvrError(
    'BAD_INPUT',
    `a partition of ${partition.length} slices up to ${end ?? 0} does not fit ${request.ranks} ranks and ${request.contextTokens} tokens; give one that does`,
  );
}

function checkSize(contextTokens: number, ranks: number): void {
  if (!Number.isSafeInteger(ranks) || ranks < 1 || ranks > MAX_RANKS) {
    throw new KvrError('BAD_INPUT', `${ranks} ranks can not be simulated; give 1 to ${MAX_RANKS}`);
  }
  if (Number.isSafeInteger(contextTokens) && contextTokens >= ranks && contextTokens <= MAX_SIMULATED_TOKENS)
    return;
  throw new KvrError(
    'BAD_INPUT',
    `${contextTokens} tokens can not be simulated on ${ranks} ranks; give ${ranks} to ${MAX_SIMULATED_TOKENS}`,
  );
}
