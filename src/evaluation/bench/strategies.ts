/**
 * The strategies a bench sets side by side, as data: what each asks of an engine, or of the plan when emulated.
 */
import type { RequestSettings } from '../../engine/options/request.js';

/** In the order tables show them: baselines first. kvr is planned and may leave workers out; kvr-* use all. */
export const BENCH_STRATEGIES = ['single', 'tsp-dense', 'tsp', 'kvr-e', 'kvr-s', 'kvr-p', 'kvr'] as const;
export type BenchStrategy = (typeof BENCH_STRATEGIES)[number];

type Asked = Pick<RequestSettings, 'strategy' | 'partition'>;

const REQUESTS: Readonly<Record<BenchStrategy, Asked>> = {
  single: { strategy: 'single', partition: 'auto' },
  'tsp-dense': { strategy: 'tsp-dense', partition: 'e' },
  tsp: { strategy: 'tsp', partition: 'e' },
  'kvr-e': { strategy: 'kvr', partition: 'e' },
  'kvr-s': { strategy: 'kvr', partition: 's' },
  'kvr-p': { strategy: 'kvr', partition: 'p' },
  kvr: { strategy: 'kvr', partition: 'auto' },
};

export function requestFor(strategy: BenchStrategy): Asked {
  return REQUESTS[strategy];
}

/** The given ones, each once, in the order of tables. */
export function inTableOrder(strategies: readonly BenchStrategy[]): BenchStrategy[] {
  return BENCH_STRATEGIES.filter((strategy) => strategies.includes(strategy));
}
