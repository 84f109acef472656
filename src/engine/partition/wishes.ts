/**
 * What a request says about the order of its chain: which worker decodes, and what is to come soonest. Pure.
 */
import { KvrError } from '../../core/errors.js';
import { strategyOf } from '../../core/strategy.js';
import type { PlanRequest } from '../../plan/index.js';
import type { RequestSettings } from '../options/request.js';

type Wishes = Pick<
  RequestSettings,
  'decodeOn' | 'strategy' | 'partition' | 'prefer' | 'maxTokens' | 'likelyTokens'
>;
/** Names of the workers, and the order that chains under way hold every other to, if there are any. */
type Workers = { readonly workers: readonly string[]; readonly order?: readonly string[] | undefined };

/** @throws BAD_INPUT for a worker that is not there, or slices that have their workers already */
export function checkDecodeOn({ decodeOn, partition, strategy }: Wishes, { workers }: Workers): void {
  if (decodeOn === undefined) return;
  if (partition !== 'auto' && strategyOf(strategy).planner !== 'one slice') {
    const words =
      'decodeOn is for chains that are planned, and partition names slices; leave one of them out';
    throw new KvrError('BAD_INPUT', words);
  }
  if (workers.includes(decodeOn)) return;
  const names = workers.join(', ');
  throw new KvrError('BAD_INPUT', `decodeOn: there is no worker ${decodeOn} now; give one of ${names}`);
}

/** What the plan is told. @param ids the workers it chooses from */
export function planWishes(
  { decodeOn, prefer, maxTokens, likelyTokens = maxTokens }: Wishes,
  { order }: Workers,
  ids: readonly string[],
): Pick<PlanRequest, 'orders' | 'answerTokens' | 'prefer' | 'decodeOn'> {
  return {
    orders: order ? 'listed' : 'any',
    // Plans are for the first token at least.
    answerTokens: Math.max(1, likelyTokens),
    prefer,
    ...(decodeOn !== undefined && { decodeOn: ids.indexOf(decodeOn) }),
  };
}

/**
 * The first workers in an order that a chain may run in, the one that is to decode last. Where other chains are under way these may
 * be fewer: those on one side of it.
 */
export function chainWorkers(
  { decodeOn, strategy }: Wishes,
  { workers, order }: Workers,
  count: number,
): readonly string[] {
  if (decodeOn === undefined) return along(order, workers.slice(0, count));
  const chain = [...firstWith(decodeOn, workers, count).filter((worker) => worker !== decodeOn), decodeOn];
  const isBound = order !== undefined && strategyOf(strategy).topology === 'chain';
  return isBound ? oneSide(along(order, chain), decodeOn) : chain;
}

/** The first workers, whichever order a plan brings them into. */
export function plannedWorkers(
  { decodeOn }: Wishes,
  { workers, order }: Workers,
  count: number,
): readonly string[] {
  const first = decodeOn === undefined ? workers.slice(0, count) : firstWith(decodeOn, workers, count);
  return along(order, first);
}

function firstWith(one: string, workers: readonly string[], count: number): readonly string[] {
  const others = workers.filter((worker) => worker !== one).slice(0, count - 1);
  return workers.filter((worker) => worker === one || others.includes(worker));
}

function along(order: readonly string[] | undefined, workers: readonly string[]): readonly string[] {
  return order ? order.filter((worker) => workers.includes(worker)) : workers;
}

function oneSide(workers: readonly string[], last: string): readonly string[] {
  const place = workers.indexOf(last);
  const [up, down] = [workers.slice(0, place + 1), workers.slice(place).reverse()];
  return up.length >= down.length ? up : down;
}
