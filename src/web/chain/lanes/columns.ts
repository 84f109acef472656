/**
 * A rank's events as columns of pixels: what took most of each column's time.
 * So thousands of events that are thinner than a pixel still give a true picture. Pure.
 */
import type { TimelineEvent } from '../../../core/timeline.js';
import type { Span } from './span.js';

/** Index into a column's kinds; 0 is nothing. */
export const KINDS = ['idle', 'block', 'attention', 'wait'] as const;

/** Copies into the cache are too short to see and have no colour. */
const KIND_OF: Readonly<Record<TimelineEvent['kind'], number>> = {
  embed: 1,
  block: 1,
  head: 1,
  attention: 2,
  wait: 3,
  send: 0,
  cache: 0,
};

/** @returns for each of `count` equal columns of the span an index into KINDS */
export function columnKinds(events: readonly TimelineEvent[], span: Span, count: number): Uint8Array {
  const columnMs = (span.toMs - span.fromMs) / count;
  const spent = new Float64Array(count * KINDS.length);
  for (const event of events) {
    const kind = KIND_OF[event.kind];
    if (kind > 0) addEvent(spent, event, kind, { span, columnMs, count });
  }
  return Uint8Array.from({ length: count }, (_, column) => mostOf(spent, column, columnMs));
}

type Grid = { readonly span: Span; readonly columnMs: number; readonly count: number };

function addEvent(
  spent: Float64Array,
  { startMs, endMs }: TimelineEvent,
  kind: number,
  { span, columnMs, count }: Grid,
): void {
  const from = Math.max(0, startMs - span.fromMs);
  const to = Math.min(span.toMs, endMs) - span.fromMs;
  for (let column = Math.floor(from / columnMs); column < count && column * columnMs < to; column++) {
    const insideMs = Math.min(to, (column + 1) * columnMs) - Math.max(from, column * columnMs);
    const at = column * KINDS.length + kind;
    spent[at] = (spent[at] ?? 0) + insideMs;
  }
}

function mostOf(spent: Float64Array, column: number, columnMs: number): number {
  const times = spent.subarray(column * KINDS.length, (column + 1) * KINDS.length);
  times[0] = columnMs - (times[1] ?? 0) - (times[2] ?? 0) - (times[3] ?? 0);
  return times.reduce((most, ms, kind) => (ms > (times[most] ?? 0) ? kind : most), 0);
}

/** What a rank did at a moment; the shortest of what goes on at once. */
export function eventAt(events: readonly TimelineEvent[], atMs: number): TimelineEvent | undefined {
  return events
    .filter(({ kind, startMs, endMs }) => kind !== 'send' && startMs <= atMs && atMs <= endMs)
    .sort((a, b) => a.endMs - a.startMs - (b.endMs - b.startMs))[0];
}
