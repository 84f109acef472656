/**
 * Bytes over time as rates: by columns of a picture, at their most, at a moment. Pure.
 */
import type { RankTimeline, Traffic } from '../../../core/timeline.js';
import type { Span } from './span.js';

/** Bytes in buckets of equal length, from the request's begin. */
export type Flow = { readonly bucketMs: number; readonly bytes: readonly number[] };

type Flows = { readonly sent: Flow; readonly received: Flow };

export function flowsOf({ traffic }: Pick<RankTimeline, 'traffic'>): Flows {
  const { bucketMs, sentBytes, receivedBytes }: Traffic = traffic ?? NONE;
  return { sent: { bucketMs, bytes: sentBytes }, received: { bucketMs, bytes: receivedBytes } };
}

const NONE: Traffic = { bucketMs: 1, sentBytes: [], receivedBytes: [] };

/** @returns for each of `count` equal columns of the span the mean bytes a millisecond */
export function columnRates({ bucketMs, bytes }: Flow, span: Span, count: number): Float64Array {
  const columnMs = (span.toMs - span.fromMs) / count;
  return Float64Array.from({ length: count }, (_, column) => {
    const fromMs = span.fromMs + column * columnMs;
    const toMs = fromMs + columnMs;
    let sum = 0;
    for (
      let at = Math.max(0, Math.floor(fromMs / bucketMs));
      at * bucketMs < toMs && at < bytes.length;
      at++
    ) {
      const insideMs = Math.min(toMs, (at + 1) * bucketMs) - Math.max(fromMs, at * bucketMs);
      sum += ((bytes[at] ?? 0) * Math.max(0, insideMs)) / bucketMs;
    }
    return sum / columnMs;
  });
}

/** Bytes a millisecond in the fullest bucket. */
export function mostRate({ bucketMs, bytes }: Flow): number {
  return Math.max(0, ...bytes) / bucketMs;
}

/** Bytes a millisecond at a moment. */
export function rateAt({ bucketMs, bytes }: Flow, atMs: number): number {
  return (bytes[Math.floor(atMs / bucketMs)] ?? 0) / bucketMs;
}

/** From the first bucket with bytes to the end of the last one; undefined where there are none. */
export function activeSpan({ bucketMs, bytes }: Flow): Span | undefined {
  const first = bytes.findIndex((one) => one > 0);
  if (first < 0) return undefined;
  return { fromMs: first * bucketMs, toMs: (bytes.findLastIndex((one) => one > 0) + 1) * bucketMs };
}

/** Bytes a millisecond at the most of all ranks: what their strips are drawn to. */
export function fullRate(timelines: readonly Pick<RankTimeline, 'traffic'>[]): number {
  const rates = timelines.map(flowsOf).flatMap(({ sent, received }) => [mostRate(sent), mostRate(received)]);
  return Math.max(0, ...rates);
}
