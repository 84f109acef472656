/**
 * How many workers a request needs before it can be partitioned. Pure.
 */
import { strategyOf } from '../../core/strategy.js';
import { mostWorkers } from '../options/chain-choice.js';
import type { RequestSettings } from '../options/request.js';

/**
 * What the plan chooses runs on the workers that are there; slices that were asked for need a worker each.
 * Of none, one is waited for.
 * @param present all workers that it may use, whether they can be used now or not
 */
export function leastWorkers(request: RequestSettings, present: number): number {
  const { strategy, partition } = request;
  const all = Math.max(1, present);
  const { planner } = strategyOf(strategy);
  if (planner === 'one slice') return 1;
  if (Array.isArray(partition)) return Math.min(all, Math.max(1, partition.length));
  return planner === 'plan' && partition === 'auto' ? 1 : Math.min(all, mostWorkers(request) ?? all);
}
