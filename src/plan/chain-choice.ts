/**
 * Which workers take part and in what order: compares orders of workers by the predicted time of their balanced partition.
 * Pure; called by plan.ts.
 *
 * Workers are taken up in the given order, one more at a time, and what was best before stays unless a chain with the new
 * one is faster by MIN_GAIN. So adding a worker at the end never makes the predicted plan worse, by construction.
 * Which orders are weighed says order/best-orders.ts.
 */
import { KvrError } from '../core/errors.js';
import type { ChainCosts } from './costs/chain-costs.js';
import { costsOf } from './costs/sub-chain.js';
import type { Aim } from './order/aim.js';
import { type Field, fieldOf, MIN_GAIN, timeOf } from './order/field.js';
import { bestOrders } from './order/best-orders.js';
import { isWeighed } from './order/likely-orders.js';
import { exactPartition, type SearchedPartition, type SearchEffort } from './search/exact-partition.js';

/** Polishing a balanced partition saves up to 4 % on slow links; chains further than this behind the best are not polished. */
const HOPELESS = 1.15;

/** A chain: indices into the given workers, in rank order, with its partition. */
export type ChosenChain = SearchedPartition & { readonly workers: readonly number[] };

/** Until the first token alone, in any order. */
const FIRST_TOKEN: Aim = { orders: 'any', decodeTokens: 0 };

/** @throws BAD_INPUT where the worker that is to decode can not be the last rank */
export function chooseChain(costs: ChainCosts, effort: SearchEffort, aim: Aim = FIRST_TOKEN): ChosenChain {
  const field = fieldOf(costs, aim);
  let best = polished(field, startOf(field), 'full');
  for (let count = 2; count <= costs.workers.length; count += 1) {
    if (!isWeighed(field, count) || (aim.decodeOn ?? 0) >= count) continue;
    const limitMs = timeOf(field, best.workers, best.ttftMs);
    for (const { workers, roughMs } of bestOrders(field, count, best.workers, limitMs)) {
      if (roughMs > timeOf(field, best.workers, best.ttftMs * HOPELESS)) continue;
      const found = polished(field, workers, effort);
      if (isBetter(field, found, best)) best = found;
    }
  }
  return best;
}

function polished({ costs }: Field, workers: readonly number[], effort: SearchEffort): ChosenChain {
  return { workers, ...exactPartition(costsOf(costs, workers), workers.length, effort) };
}

function isBetter(field: Field, found: ChosenChain, best: ChosenChain): boolean {
  const savedMs = timeOf(field, best.workers, best.ttftMs) - timeOf(field, found.workers, found.ttftMs);
  return savedMs > best.ttftMs * MIN_GAIN;
}

/** The shortest chain that the aim allows. @throws BAD_INPUT */
function startOf({ aim, isFirstFixed, newTokens }: Field): readonly number[] {
  const last = aim.decodeOn ?? 0;
  if (!isFirstFixed || last === 0) return [last];
  if (newTokens >= 2) return [0, last];
  const words = `1 new token is computed where the rows before it are kept, not on worker ${last}; leave the choice of who decodes out`;
  throw new KvrError('BAD_INPUT', words);
}
