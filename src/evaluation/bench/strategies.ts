/**
 * The strategies a bench sets side by side, as values: a strategy of core/strategy.ts with a partition of its own.
 */
import { type Strategy, type StrategyName, strategyOf } from '../../core/strategy.js';

/** In the order tables show them: baselines first. kvr is planned and may leave workers out; kvr-* use all. */
export const BENCH_STRATEGIES = ['single', 'tsp-dense', 'tsp', 'kvr-e', 'kvr-s', 'kvr-p', 'kvr'] as const;
export type BenchStrategyName = (typeof BENCH_STRATEGIES)[number];

type PartitionName = 'auto' | 'e' | 's' | 'p';

export type BenchStrategy = Omit<Strategy, 'name'> & {
  readonly name: BenchStrategyName;
  /** What an engine is asked for. */
  readonly request: { readonly strategy: StrategyName; readonly partition: PartitionName };
};

const REQUESTS: Readonly<Record<BenchStrategyName, BenchStrategy['request']>> = {
  single: { strategy: 'single', partition: 'auto' },
  'tsp-dense': { strategy: 'tsp-dense', partition: 'e' },
  tsp: { strategy: 'tsp', partition: 'e' },
  'kvr-e': { strategy: 'kvr', partition: 'e' },
  'kvr-s': { strategy: 'kvr', partition: 's' },
  'kvr-p': { strategy: 'kvr', partition: 'p' },
  kvr: { strategy: 'kvr', partition: 'auto' },
};

export function benchStrategyOf(name: BenchStrategyName): BenchStrategy {
  const request = REQUESTS[name];
  return { ...strategyOf(request.strategy), name, request };
}

/** Whether it runs on one worker, however many there are. */
export function isAlone(name: BenchStrategyName): boolean {
  return benchStrategyOf(name).topology === 'none';
}

/** The given ones, each once, in the order of tables. */
export function inTableOrder(strategies: readonly BenchStrategyName[]): BenchStrategyName[] {
  return BENCH_STRATEGIES.filter((strategy) => strategies.includes(strategy));
}
