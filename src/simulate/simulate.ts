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
import { simulateChain } from './chain.js';
import type { ClusterProfile, Policy } from './cluster.js';
import { OUR_POLICY } from './cluster.js';
import type { PartitionKind } from './partitions.js';
import { cutContext } from './partitions.js';
import { deviceTimes } from './device-times.js';
import { simulateGather } from './gather.js';
import { simulatePipeline } from './pipeline.js';
import { simulateRing } from './ring.js';
import type { Outcome, Setup, SimulatedRank } from './setup.js';
import { chainByEvents, gatherByEvents, pipelineByEvents, ringByEvents } from './task-graphs.js';

export const SIMULATED_STRATEGIES = [
  'single',
  'tsp-dense',
  'tsp',
  'kvr',
  'ring',
  'ring-zigzag',
  'pipeline',
] as const;
export type SimulatedStrategy = (typeof SIMULATED_STRATEGIES)[number];

/** The longest context simulated. */
export const MAX_SIMULATED_TOKENS = 1 << 20;

export type SimulationRequest = {
  readonly strategy: SimulatedStrategy;
  readonly shape: ModelShape;
  readonly cluster: ClusterProfile;
  readonly contextTokens: number;
  readonly ranks: number;
  /** For kvr: a kind of cut ('exact' unless given) or the cut itself. */
  readonly partition?: PartitionKind | Partition;
  readonly policy?: Policy;
};

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
  const outcome = run(setup, request.strategy);
  const trafficBytes = outcome.ranks.reduce((sum, rank) => sum + rank.sentBytes, 0);
  return { ...outcome, partition: setup.partition, trafficBytes };
}

/** The same time from the event engine: slow, for small clusters, to check the recurrences by. @throws BAD_INPUT */
export function ttftMsByEvents(request: SimulationRequest): number {
  const setup = setupOf(request);
  switch (request.strategy) {
    case 'single':
    case 'kvr':
      return chainByEvents(setup);
    case 'tsp':
      return gatherByEvents(setup, 'causal');
    case 'tsp-dense':
      return gatherByEvents(setup, 'dense');
    case 'ring':
      return ringByEvents(setup, 'plain');
    case 'ring-zigzag':
      return ringByEvents(setup, 'zigzag');
    case 'pipeline':
      return pipelineByEvents(setup);
  }
}

function run(setup: Setup, strategy: SimulatedStrategy): Outcome {
  switch (strategy) {
    case 'single':
    case 'kvr':
      return simulateChain(setup);
    case 'tsp':
      return simulateGather(setup, 'causal');
    case 'tsp-dense':
      return simulateGather(setup, 'dense');
    case 'ring':
      return simulateRing(setup, 'plain');
    case 'ring-zigzag':
      return simulateRing(setup, 'zigzag');
    case 'pipeline':
      return simulatePipeline(setup);
  }
}

/** Everything decided, the cut last: it is searched on the setup itself. */
export function setupOf(request: SimulationRequest): Setup {
  checkSize(request.contextTokens, request.ranks);
  const ranks = request.strategy === 'single' ? 1 : request.ranks;
  const setup: Setup = {
    times: deviceTimes(request.shape, request.cluster.device),
    cluster: request.cluster,
    policy: request.policy ?? OUR_POLICY,
    contextTokens: request.contextTokens,
    partition: evenPartition(request.contextTokens, ranks),
  };
  if (request.strategy !== 'kvr') return setup;
  const cut = request.partition ?? 'exact';
  return { ...setup, partition: typeof cut === 'string' ? cutContext(setup, cut) : checkedCut(cut, request) };
}

function checkedCut(cut: Partition, request: SimulationRequest): Partition {
  const end = cut[cut.length - 1]?.end;
  if (cut.length <= request.ranks && end === request.contextTokens) return cut;
  throw new KvrError(
    'BAD_INPUT',
    `a cut of ${cut.length} slices up to ${end ?? 0} does not fit ${request.ranks} ranks and ${request.contextTokens} tokens; give one that does`,
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
