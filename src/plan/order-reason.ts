/**
 * Why a plan's ranks are in their order, in words. Pure; takes a prediction or two, so it is asked for only by who shows it.
 */
import { aimOf, chainCosts, type Plan, type PlanRequest } from './plan.js';
import { costsOf } from './costs/sub-chain.js';
import { fieldOf, timeOf } from './order/field.js';
import { exactPartition } from './search/exact-partition.js';

/** @param plan of that request */
export function explainOrder(request: PlanRequest, plan: Plan): string {
  const chain = plan.ranks.map(({ worker }) => worker);
  const [aim, last] = [aimOf(request), chain.at(-1) as number];
  if (aim.decodeOn !== undefined) return `worker ${last} decodes because it was asked to`;
  if (chain.length === 1) return 'one worker alone computes and decodes';
  const field = fieldOf(chainCosts(request), aim);
  if (field.isUniform) return 'workers and links are equal: the given order';
  const other = alternative(chain);
  const { ttftMs } = exactPartition(costsOf(field.costs, other), other.length, 'quick');
  const otherMs = timeOf(field, other, ttftMs);
  const what = plan.preference === 'whole-answer' ? 'the whole answer' : 'the first token';
  const times = `${what} after ${plan.plannedMs.toFixed(1)} ms, ${otherMs.toFixed(1)} ms with ${other.join('→')}`;
  return `${chain.join('→')}: ${times}`;
}

/** The given order, or what is its reverse where the chain has it. */
function alternative(chain: readonly number[]): number[] {
  const given = chain.toSorted((a, b) => a - b);
  return given.join() === chain.join() ? given.reverse() : given;
}
