/**
 * The orders of some workers that are worth polishing: of up to MAX_EXACT_WORKERS the best of all orders (every-order.ts), of more
 * the best of the likely ones (likely-orders.ts). Pure; called by chain-choice.ts.
 */
import { ordersWithin } from './every-order.js';
import { type Field, MIN_GAIN } from './field.js';
import { extended, likelyOrders, listedOrders } from './likely-orders.js';
import { roughTimeMs, timeWithMs } from './rough-time.js';

/** Orders of so many workers and of all sets of them are 1,956, of one more 13,699. */
export const MAX_EXACT_WORKERS = 6;

/** Of orders that may be in time so many are predicted, those with the best estimates. */
const MAX_PREDICTED = 24;
/** So many of them, and of likely ones, are polished if they are no further than POLISH_SAVES behind the best. */
const MAX_POLISHED = 2;
/** Of few workers there is time for more. */
const MAX_POLISHED_OF_FEW = 4;
const FEW_WORKERS = 4;
const MAX_POLISHED_OF_LIKELY = 1;
const POLISH_SAVES = 1.1;

/** Orders are looked for again where one is predicted to take less than this part of the limit, */
const MUCH_BETTER = 0.9;
/** with this much more than it takes as the limit, */
const NEARLY_AS_GOOD = 1.05;
/** and at most so many times in all. */
const MAX_LOOKS = 4;

export type Candidate = { readonly workers: readonly number[]; readonly roughMs: number };

/**
 * Orders of workers among the first `count`, of which one can be the last rank.
 * @param best the best chain of those before the last of them. @param limitMs what it takes
 */
export function bestOrders(
  field: Field,
  count: number,
  best: readonly number[],
  limitMs: number,
): Candidate[] {
  if (!field.isUniform && count <= MAX_EXACT_WORKERS)
    return withListed(
      field,
      bestOfAll(field, count, best, limitMs),
      count <= FEW_WORKERS ? MAX_POLISHED_OF_FEW : MAX_POLISHED,
    );
  const likely = likelyOrders(field, count, best).map((chain) => roughly(field, chain));
  return withListed(field, likely.sort(byTime), MAX_POLISHED_OF_LIKELY);
}

/** Looks again with a tighter limit where that changes much: the slices then fit the time. */
function bestOfAll(field: Field, count: number, best: readonly number[], limitMs: number): Candidate[] {
  const decodeMs = Math.min(...field.decodesMs.slice(0, count));
  const begin = extended(field, best, count - 1).map((chain) => roughTimeMs(field, chain));
  let promptMs = Math.min(limitMs, ...begin.map((ms) => ms * NEARLY_AS_GOOD)) - decodeMs;
  for (let look = 1; ; look += 1) {
    const found = predictedOrders(field, count, promptMs + decodeMs);
    const leastMs = (found[0]?.roughMs ?? Infinity) - decodeMs;
    if (leastMs > promptMs * MUCH_BETTER || look === MAX_LOOKS) return found;
    promptMs = leastMs * NEARLY_AS_GOOD;
  }
}

function predictedOrders(field: Field, count: number, limitMs: number): Candidate[] {
  return ordersWithin(field, count, limitMs)
    .sort((a, b) => a.estimateMs - b.estimateMs)
    .slice(0, MAX_PREDICTED)
    .map(({ workers, sizes }) => ({ workers, roughMs: timeWithMs(field, workers, sizes) }))
    .sort(byTime);
}

/** The best set along the given list goes first: another order must be better by more than noise. */
function withListed(field: Field, found: readonly Candidate[], most: number): Candidate[] {
  const [least] = found;
  if (least === undefined) return [];
  const set = least.workers.toSorted((a, b) => a - b);
  const known = (chain: readonly number[]) => found.find(({ workers }) => workers.join() === chain.join());
  const [one, other] = listedOrders(field, set).map((chain) => known(chain) ?? roughly(field, chain));
  const isOtherBetter = one && other && other.roughMs < one.roughMs * (1 - MIN_GAIN);
  const listed = (isOtherBetter ? other : one) ?? least;
  const others = found.filter(
    ({ workers, roughMs }) =>
      roughMs <= least.roughMs * POLISH_SAVES && workers.join() !== listed.workers.join(),
  );
  return [listed, ...others.slice(0, most)];
}

function roughly(field: Field, workers: readonly number[]): Candidate {
  return { workers, roughMs: roughTimeMs(field, workers) };
}

function byTime(a: Candidate, b: Candidate): number {
  return a.roughMs - b.roughMs;
}
