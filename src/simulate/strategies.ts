/**
 * The strategies that can be simulated, as values: what core/strategy.ts says of a strategy, and how its time is computed,
 * once by a recurrence and once task by task. Ring attention and the pipeline exist here only.
 */
import { type Strategy, STRATEGIES, type StrategyName, strategyOf, type Topology } from '../core/strategy.js';
import { simulateChain } from './chain.js';
import { simulateGather } from './gather.js';
import { simulatePipeline } from './pipeline.js';
import { type RingKind, simulateRing } from './ring.js';
import type { Outcome, Setup } from './setup.js';
import { chainByEvents, gatherByEvents, pipelineByEvents, ringByEvents } from './task-graphs.js';

export type SimulatedStrategyName = StrategyName | 'ring' | 'ring-zigzag' | 'pipeline';

export type SimulatedStrategy = Omit<Strategy, 'name' | 'topology'> & {
  readonly name: SimulatedStrategyName;
  readonly topology: Topology | 'ring' | 'pipeline';
  /** What the ranks share out: tokens of the context, or layers of the model. */
  readonly shares: 'tokens' | 'layers';
  /** Every rank's times, by a recurrence: exact and fast. */
  readonly simulate: (setup: Setup) => Outcome;
  /** The time to the first token from the event engine, to check the recurrence by: slow, for small clusters. */
  readonly ttftMsByEvents: (setup: Setup) => number;
};

/** What the strategies that nobody can run here have in common. */
const SIMULATED_ONLY = { masking: 'causal', reusesPrefix: false, planner: 'even' } as const;

const ALL: readonly SimulatedStrategy[] = [
  ...STRATEGIES.map(runnable),
  ring('ring', 'plain'),
  ring('ring-zigzag', 'zigzag'),
  {
    ...SIMULATED_ONLY,
    name: 'pipeline',
    topology: 'pipeline',
    shares: 'layers',
    simulate: simulatePipeline,
    ttftMsByEvents: pipelineByEvents,
  },
];

const BY_NAME: ReadonlyMap<string, SimulatedStrategy> = new Map(ALL.map((each) => [each.name, each]));

/** Names for `simulate`. */
export const SIMULATED_STRATEGIES: readonly SimulatedStrategyName[] = ALL.map(({ name }) => name);

export function simulatedStrategyOf(name: SimulatedStrategyName): SimulatedStrategy {
  return BY_NAME.get(name) as SimulatedStrategy;
}

/** A strategy that this project runs: a gather, or a chain, of which one worker alone is the shortest. */
function runnable(name: StrategyName): SimulatedStrategy {
  const strategy = { ...strategyOf(name), shares: 'tokens' } as const;
  const { masking, topology } = strategy;
  if (topology !== 'gather') return { ...strategy, simulate: simulateChain, ttftMsByEvents: chainByEvents };
  return {
    ...strategy,
    simulate: (setup) => simulateGather(setup, masking),
    ttftMsByEvents: (setup) => gatherByEvents(setup, masking),
  };
}

function ring(name: 'ring' | 'ring-zigzag', kind: RingKind): SimulatedStrategy {
  return {
    ...SIMULATED_ONLY,
    name,
    topology: 'ring',
    shares: 'tokens',
    simulate: (setup) => simulateRing(setup, kind),
    ttftMsByEvents: (setup) => ringByEvents(setup, kind),
  };
}
