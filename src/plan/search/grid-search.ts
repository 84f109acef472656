/**
 * KVR-S, the paper's hierarchical grid search: shift boundaries by a coarse step, keep the best, halve the step around
 * it, down to a minimum step. Written as a generator that asks for times, so that the same search runs over the cost
 * model and over real measurements. Pure. Called by partition-search.ts.
 */
import type { Partition } from '../../core/partition.js';
import { partitionFromSizes, partitionSizes } from '../../core/partition.js';

/** How far and how finely to search. */
export type GridOptions = {
  readonly start: Partition;
  /** First step; a power of two times minStepTokens is reached from it by halving. */
  readonly coarseStepTokens: number;
  readonly minStepTokens: number;
  /** 'wide' can leave places where several ranks finish last together; 'near' is for the end of a search. */
  readonly reach: 'near' | 'wide';
  /** Ends the search with the best so far. */
  readonly maxEvaluations: number;
};

export type SearchResult = {
  readonly partition: Partition;
  readonly ms: number;
  readonly evaluations: number;
};

/** A search that yields candidates and is told their milliseconds. */
export type Search = Generator<Partition, SearchResult, number>;

/** Up to this many boundaries all 3^boundaries neighbours of a point are tried. */
const FULL_GRID_BOUNDARIES = 3;

/** Up to this many ranks every slice collects from every run that ends at an end of the chain. */
const ALL_COLLECTIONS_RANKS = 8;

/** Rounds at one step size; a bound against crawling, far above what balanced partitions take. */
const MAX_ROUNDS_PER_STEP = 16;

export function* gridSearch(options: GridOptions): Search {
  const moves = new LazyMoves(neighbourMoves(options.start.length, options.reach));
  let best: SearchResult = { partition: options.start, ms: yield options.start, evaluations: 1 };
  for (const step of stepsOf(options)) {
    for (let round = 0; round < MAX_ROUNDS_PER_STEP; round += 1) {
      const next = yield* sweep(best, moves, step, options.maxEvaluations);
      const improved = next.ms < best.ms;
      best = next;
      if (!improved) break;
    }
  }
  return best;
}

/** Tries every move once, from the best point so far. */
function* sweep(from: SearchResult, moves: Iterable<Move>, step: number, maxEvaluations: number): Search {
  const contextTokens = from.partition[from.partition.length - 1]?.end ?? 0;
  let { ms, evaluations } = from;
  let best = partitionSizes(from.partition);
  for (const move of moves) {
    if (evaluations >= maxEvaluations) break;
    const sizes = moved(best, move, step);
    if (sizes === undefined) continue;
    const candidateMs = yield partitionFromSizes(sizes, contextTokens);
    evaluations += 1;
    if (candidateMs < ms) [best, ms] = [sizes, candidateMs];
  }
  return { partition: partitionFromSizes(best, contextTokens), ms, evaluations };
}

/** coarse, coarse/2, … down to and with the minimum. */
function stepsOf(options: GridOptions): number[] {
  const steps: number[] = [];
  for (let step = options.coarseStepTokens; step > options.minStepTokens; step = Math.floor(step / 2))
    steps.push(step);
  return [...steps, options.minStepTokens];
}

/** Change of each slice's size, in steps (fractions only in tilts); adds up to 0. */
type Move = readonly number[];

/**
 * Near: a step between neighbours, and tilts. Wide: besides, for few ranks every shift of boundaries by −1, 0 or 1, and
 * steps collected from a run of slices, because ranks that finish last together get faster only together.
 */
function* neighbourMoves(ranks: number, reach: 'near' | 'wide'): Generator<Move, void> {
  yield tilt(ranks, 1);
  yield tilt(ranks, -1);
  yield* neighbourTransfers(ranks);
  if (reach === 'near') return;
  if (ranks - 1 <= FULL_GRID_BOUNDARIES) yield* gridMoves(ranks);
  yield* collections(ranks);
}

/** Moves made when they are first asked for and kept: of hundreds of ranks' moves a short search tries a few. */
class LazyMoves {
  readonly #made: Move[] = [];
  readonly #rest: Generator<Move, void>;

  constructor(moves: Generator<Move, void>) {
    this.#rest = moves;
  }

  *[Symbol.iterator](): Generator<Move, void> {
    for (let index = 0; ; index += 1) {
      const move = this.#made[index] ?? this.#make();
      if (move === undefined) return;
      yield move;
    }
  }

  #make(): Move | undefined {
    const { value } = this.#rest.next();
    if (value !== undefined) this.#made.push(value);
    return value ?? undefined;
  }
}

/** All slices at once, the first one most in one direction, the last one in the other: what longer prefixes ask for. */
function tilt(ranks: number, direction: number): Move {
  return Array.from({ length: ranks }, (_, rank) =>
    ranks === 1 ? 0 : direction * (1 - (2 * rank) / (ranks - 1)),
  );
}

function* neighbourTransfers(ranks: number): Generator<Move, void> {
  for (let left = 0; left < ranks - 1; left += 1) {
    yield collected(ranks, left, left + 1, left + 1, 1);
    yield collected(ranks, left, left + 1, left + 1, -1);
  }
}

function gridMoves(ranks: number): Move[] {
  const boundaries = ranks - 1;
  const moves: Move[] = [];
  for (let code = 0; code < 3 ** boundaries; code += 1) {
    const shifts = Array.from({ length: boundaries }, (_, index) => (Math.floor(code / 3 ** index) % 3) - 1);
    if (shifts.some((shift) => shift !== 0)) moves.push(sizesOfShifts(shifts));
  }
  return moves;
}

/** Shifting boundary b by d makes slice b longer by d and slice b+1 shorter by d. */
function sizesOfShifts(shifts: readonly number[]): Move {
  return Array.from(
    { length: shifts.length + 1 },
    (_, rank) => (shifts[rank] ?? 0) - (shifts[rank - 1] ?? 0),
  );
}

/** One step a slice from all slices after (or before) some point to one slice, and back. */
function* collections(ranks: number): Generator<Move, void> {
  for (let to = 0; to < ranks; to += 1) {
    for (let edge = 0; edge < ranks; edge += 1) {
      const isNear = Math.abs(edge - to) === 1 || to === 0 || to === ranks - 1;
      if (edge === to || (ranks > ALL_COLLECTIONS_RANKS && !isNear)) continue;
      const [first, last] = edge > to ? [edge, ranks - 1] : [0, edge];
      yield collected(ranks, to, first, last, 1);
      yield collected(ranks, to, first, last, -1);
    }
  }
}

/** Slices [first, last] each give a step to `to`; the other way round for direction −1. */
function collected(ranks: number, to: number, first: number, last: number, direction: number): Move {
  return Array.from({ length: ranks }, (_, rank) => {
    if (rank === to) return direction * (last - first + 1);
    return rank >= first && rank <= last ? -direction : 0;
  });
}

/** @returns the new sizes, or undefined where a slice would have no token left */
function moved(sizes: readonly number[], move: Move, step: number): number[] | undefined {
  // Rounding towards 0 keeps a tilt's sum at 0: it is the same on both sides of the middle.
  const next = sizes.map((size, rank) => size + Math.trunc(step * (move[rank] as number)));
  return next.every((size) => size >= 1) ? next : undefined;
}
