/**
 * A predicted partition, as GET /kvr/plan gives it.
 */
import { MAX_RANKS } from './records.js';
import { finite, listOf, objectOf, orElse, pairOf, type Shape, text } from './shape.js';

export type PlanRank = {
  readonly rank: number;
  readonly slice: readonly [start: number, end: number];
  /** From the request's start to the end of this rank's prompt phase. */
  readonly predictedMs: number;
  readonly computeMs: number;
  /** The part of computeMs that is attention. */
  readonly attentionMs: number;
  readonly waitMs: number;
  readonly sendMs: number;
  readonly limit: string;
};

export type Plan = {
  readonly contextTokens: number;
  readonly workers: number;
  readonly partition: readonly number[];
  readonly predictedTtftMs: number;
  readonly singleTtftMs: number;
  readonly gain: number;
  readonly ranks: readonly PlanRank[];
  readonly dropped: readonly { readonly worker: number; readonly reason: string }[];
};

const planRank: Shape<PlanRank> = objectOf<PlanRank>({
  rank: finite,
  slice: pairOf(finite),
  predictedMs: finite,
  computeMs: finite,
  attentionMs: finite,
  waitMs: finite,
  sendMs: finite,
  limit: text,
});

export const plan: Shape<Plan> = objectOf<Plan>({
  contextTokens: finite,
  workers: finite,
  partition: listOf(finite, MAX_RANKS),
  predictedTtftMs: finite,
  singleTtftMs: finite,
  gain: finite,
  ranks: listOf(planRank, MAX_RANKS),
  dropped: orElse(
    listOf(objectOf<{ worker: number; reason: string }>({ worker: finite, reason: text }), MAX_RANKS),
    [],
  ),
});
