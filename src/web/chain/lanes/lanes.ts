/**
 * The lanes of a chain's picture: for each rank what was measured, or what is expected while nothing is. Pure.
 */
import type { RankTimeline } from '../../../core/timeline.js';
import type { PlanDocument } from '../../../core/documents/plan-document.js';
import type { RequestRecord } from '../../../core/documents/request-record.js';
import type { Span } from './span.js';

export type Lane = {
  readonly rank: number;
  readonly slice: readonly [start: number, end: number];
  /** null until the rank's record is here. */
  readonly measured: RankTimeline | null;
  /** End of this rank's prompt phase by the plan; null where there is no plan for this cut. */
  readonly expectedMs: number | null;
};

export type Mark = {
  readonly kind: 'measured' | 'predicted' | 'single';
  readonly label: string;
  readonly atMs: number;
};

/** @param plan for the request's prompt; told only where it cuts as the request was cut */
export function lanesOf(record: RequestRecord, plan: PlanDocument | null): Lane[] {
  const { timeline } = record;
  const expected = plan && isSameCut(record, plan) ? plan.ranks : [];
  // While the chain is at work, some ranks are measured and the others expected.
  const ranks = expected.length > timeline.length ? expected : timeline;
  return ranks.map(({ rank, slice }) => ({
    rank,
    slice,
    measured: timeline.find((measured) => measured.rank === rank) ?? null,
    expectedMs: expected.find((one) => one.rank === rank)?.predictedMs ?? null,
  }));
}

/** By the sizes where they are known, else by the slices of the ranks that are done. */
function isSameCut({ partition, timeline }: RequestRecord, plan: PlanDocument): boolean {
  if (partition.length > 0) return sameNumbers(plan.partition, partition);
  return timeline.every(({ rank, slice }) => sameNumbers(plan.ranks[rank]?.slice ?? [], slice));
}

export function marksOf(
  { ttftMs, predictedTtftMs, singleTtftMs }: RequestRecord,
  plan: PlanDocument | null,
): Mark[] {
  const predictedMs = predictedTtftMs ?? (ttftMs === null ? (plan?.predictedTtftMs ?? null) : null);
  const marks: [Mark['kind'], string, number | null][] = [
    ['measured', 'first token, measured', ttftMs],
    ['predicted', 'predicted', predictedMs],
    ['single', 'one worker, predicted', singleTtftMs],
  ];
  return marks.flatMap(([kind, label, atMs]) => (atMs === null ? [] : [{ kind, label, atMs }]));
}

/** One worker alone may take so much longer that the chain would be a thin stripe: then its mark lies outside. */
const MOST_AIR = 1.6;

/** What is shown before the reader zooms: the whole, or the chain's own part of it. */
export function firstSpan(lanes: readonly Lane[], marks: readonly Mark[], elapsedMs: number): Span {
  const whole = wholeSpan(lanes, marks, elapsedMs);
  const own = wholeSpan(
    lanes,
    marks.filter(({ kind }) => kind !== 'single'),
    elapsedMs,
  );
  return whole.toMs > MOST_AIR * own.toMs ? own : whole;
}

/** From the request's start to the last thing that is drawn, and a little air. */
export function wholeSpan(lanes: readonly Lane[], marks: readonly Mark[], elapsedMs: number): Span {
  const ends = lanes.map(({ measured, expectedMs }) => measured?.totalMs ?? expectedMs ?? 0);
  const endMs = Math.max(1, elapsedMs, ...ends, ...marks.map(({ atMs }) => atMs));
  return { fromMs: 0, toMs: endMs * 1.02 };
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
