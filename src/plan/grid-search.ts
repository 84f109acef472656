/**
 * KVR-S, the paper's hierarchical grid search: shift boundaries by a coarse step, keep the best, halve the step around
 * it, down to a minimum step. Written as a generator that asks for times, so that the same search runs over the cost
 * model and over real measurements. Pure. Called by partition-search.ts.
 */
import type { Partition } from '../core/partition.js';
import { partitionFromSizes, partitionSizes } from '../core/partition.js';

/** How far and how finely to search. */
export type GridOptions = {
  readonly start: Partition;
  /** First step; a power of two times minStepTokens is reached from it by halving. */
  readonly coarseStepTokens: number;
  readonly minStepTokens: number;
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

/** Up to this many boundaries all 3^boundaries neighbours of a point are tried, above it one step from slice to slice. */
const FULL_GRID_BOUNDARIES = 3;

/** Up to this many ranks a step may go from any slice to any other. */
const ALL_PAIRS_RANKS = 8;

/** Rounds at one step size; a bound against crawling, far above what balanced cuts take. */
const MAX_ROUNDS_PER_STEP = 16;

export function* gridSearch(options: GridOptions): Search {
  const moves = neighbourMoves(options.start.length);
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
function* sweep(from: SearchResult, moves: readonly Move[], step: number, maxEvaluations: number): Search {
  const contextTokens = from.partition[from.partition.length - 1]?.end ?? 0;
  let { ms, evaluations } = from;
  let best = partitionSizes(from.partition);
  for (const move of moves) {
    const sizes = moved(best, move, step);
    if (sizes === undefined) continue;
    if (evaluations >= maxEvaluations) break;
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

/** All boundary shifts of −1, 0 or 1 for few ranks; for many, one step from a slice to another one. */
function neighbourMoves(ranks: number): readonly Move[] {
  return ranks - 1 <= FULL_GRID_BOUNDARIES ? gridMoves(ranks) : transferMoves(ranks);
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

/** One step from a slice to another, and tilts: few enough to ask for many ranks, and no balance far from reach. */
function transferMoves(ranks: number): Move[] {
  const moves: Move[] = [tilt(ranks, 1), tilt(ranks, -1)];
  for (let from = 0; from < ranks; from += 1) {
    for (const to of transferTargets(from, ranks)) {
      moves.push(Array.from({ length: ranks }, (_, rank) => (rank === to ? 1 : rank === from ? -1 : 0)));
    }
  }
  return moves;
}

/** Every other slice for few ranks; the neighbours, the first and the last one for many. */
function transferTargets(from: number, ranks: number): number[] {
  const all = Array.from({ length: ranks }, (_, rank) => rank).filter((to) => to !== from);
  if (ranks <= ALL_PAIRS_RANKS) return all;
  return all.filter((to) => Math.abs(to - from) === 1 || to === 0 || to === ranks - 1);
}

/** All slices at once, the first one most in one direction, the last one in the other: what longer prefixes ask for. */
function tilt(ranks: number, direction: number): Move {
  return Array.from({ length: ranks }, (_, rank) => direction * (1 - (2 * rank) / (ranks - 1)));
}

/** @returns the new sizes, or undefined where a slice would have no token left */
function moved(sizes: readonly number[], move: Move, step: number): number[] | undefined {
  // Rounding towards 0 keeps a tilt's sum at 0: it is the same on both sides of the middle.
  const next = sizes.map((size, rank) => size + Math.trunc(step * (move[rank] as number)));
  return next.every((size) => size >= 1) ? next : undefined;
}
