/**
 * Orders worth weighing where there are too many workers for all: a heuristic. Pure.
 *
 * Tried are the fastest 1, 2, 3, … workers (of very many only about as many as the best chain so far has) up and down the given
 * list and slowest first, and the best chain so far with the new worker put in at several places.
 */
import { roughTimeMs } from './rough-time.js';
import type { Field } from './field.js';

/** Of so many unequal workers the fastest 1, 2, 3, … are all tried; of more only about as many as the best chain so far has. */
const MAX_FULLY_WEIGHED = 16;

/** Places in the best chain so far at which a new worker is tried. */
const MAX_PLACES = 4;

/** Counts that are multiples of a power of two only, where there are very many: a plan is due in seconds. */
export function isWeighed({ equalWorkers, newTokens }: Field, count: number): boolean {
  if (equalWorkers && count > newTokens) return false;
  const [singly, stride] = equalWorkers ? [128, 32] : [32, 8];
  return count <= singly || count % stride === 0;
}

/** Likely orders of workers among the first `count`. @param best the best chain of those before */
export function likelyOrders(field: Field, count: number, best: readonly number[]): (readonly number[])[] {
  const set = mostPromising(field, count, best.length);
  const orders = ordersOf(field, set).filter((chain) => isAllowed(field, chain));
  return field.equalWorkers ? orders : [...orders, ...extended(field, best, count - 1)];
}

/** The most promising set among the first `count` workers, in the given order. */
function mostPromising(field: Field, count: number, bestSize: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  if (field.equalWorkers) return all;
  const byPace = fastestFirst(field, all);
  const { decodeOn } = field.aim;
  const fixed = [field.isFirstFixed ? [0] : [], decodeOn !== undefined && decodeOn < count ? [decodeOn] : []];
  const firstChosen = [...new Set([...fixed.flat(), ...byPace])];
  const sizes = count <= MAX_FULLY_WEIGHED ? all.map((index) => index + 1) : [bestSize, bestSize + 1, count];
  const sets = [...new Set(sizes)]
    .filter((size) => size <= Math.min(count, field.newTokens))
    .map((size) => firstChosen.slice(0, size).sort((a, b) => a - b));
  const times = sets.map((set) => roughTimeMs(field, set));
  return sets[times.indexOf(Math.min(...times))] ?? [0];
}

function fastestFirst({ pacesMs }: Field, workers: readonly number[]): number[] {
  return [...workers].sort((a, b) => (pacesMs[a] as number) - (pacesMs[b] as number) || a - b);
}

function ordersOf(field: Field, set: readonly number[]): (readonly number[])[] {
  const { aim, equalWorkers, isFirstFixed } = field;
  const isFree = aim.orders === 'any' && aim.decodeOn === undefined && !equalWorkers && !isFirstFixed;
  return [...listedOrders(field, set), ...(isFree ? [fastestFirst(field, set).reverse()] : [])];
}

/** A set, in the given order, as chains up and down the list; first the one whose last rank, which decodes, is the faster. */
export function listedOrders(field: Field, set: readonly number[]): (readonly number[])[] {
  const { aim, isUniform, pacesMs } = field;
  const { decodeOn } = aim;
  if (decodeOn !== undefined)
    return endingOn(field, set, decodeOn).filter((chain) => isAllowed(field, chain));
  if (set.length === 1 || isUniform || field.isFirstFixed) return [set];
  const down = [...set].reverse();
  const [first, last] = [set[0] as number, set.at(-1) as number];
  const isLastFaster = (pacesMs[last] as number) <= (pacesMs[first] as number);
  return isLastFaster ? [set, down] : [down, set];
}

/** Chains that end on one worker: all others before it or, along the list, those on one side of it. */
function endingOn({ aim }: Field, set: readonly number[], last: number): (readonly number[])[] {
  if (!set.includes(last)) return [];
  if (aim.orders === 'any') return [[...set.filter((worker) => worker !== last), last]];
  const up = set.filter((worker) => worker <= last);
  const down = set.filter((worker) => worker >= last).reverse();
  return [up, down];
}

/** A chain with a new worker put in at several places. */
export function extended(field: Field, chain: readonly number[], added: number): (readonly number[])[] {
  if (field.aim.orders === 'listed' || chain.includes(added)) return [];
  const stride = Math.max(1, chain.length / (MAX_PLACES - 1));
  const places = [...new Set(Array.from({ length: MAX_PLACES }, (_, at) => Math.round(at * stride)))];
  return places
    .filter((place) => place <= chain.length)
    .map((place) => [...chain.slice(0, place), added, ...chain.slice(place)])
    .filter((each) => isAllowed(field, each));
}

/** Whether a chain can begin and end where it must. */
function isAllowed({ isFirstFixed, decodesMs, newTokens }: Field, chain: readonly number[]): boolean {
  if (chain.length > newTokens || (isFirstFixed && chain[0] !== 0)) return false;
  return Number.isFinite(decodesMs[chain.at(-1) as number]);
}
