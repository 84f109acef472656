/**
 * What every rank did and when: the record that pictures, plans and figures are made of.
 * Times are milliseconds since the rank was handed the request.
 */
import type { Slice } from './partition.js';

/** One stretch of a rank's time. 'send' lasts from handing KV to the link until the last byte left the process. */
export type TimelineEvent = {
  readonly kind: 'embed' | 'block' | 'attention' | 'wait' | 'send' | 'head' | 'cache';
  readonly layer: number;
  /** First token of the rows that were worked on; absent for waits and sends. */
  readonly start?: number | undefined;
  readonly startMs: number;
  readonly endMs: number;
};

/** The most buckets of a rank's traffic: as many as a small chart can show. */
export const MAX_TRAFFIC_BUCKETS = 128;

/** Bytes of keys and values on a rank's links over time: its own rows and others' that it relays. */
export type Traffic = {
  /** Length of every bucket; the first begins when the rank was handed the request. */
  readonly bucketMs: number;
  readonly sentBytes: readonly number[];
  readonly receivedBytes: readonly number[];
};

export type RankTimeline = {
  readonly rank: number;
  readonly slice: readonly [start: number, end: number];
  /** From being handed the request to the end of this rank's prompt phase. */
  readonly totalMs: number;
  /** Inside sessions: embedding, blocks, attention and head together. */
  readonly computeMs: number;
  /** The part of computeMs that was attention. */
  readonly attentionMs: number;
  /** Blocked on KV of the prefix that had not arrived. */
  readonly waitMs: number;
  /** The worker's time that other requests got meanwhile; where it is not 0, times say less about the worker. */
  readonly sharedMs?: number | undefined;
  /** Tokens at the slice's front whose rows were kept from an earlier request, and not computed. */
  readonly cachedTokens?: number | undefined;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Absent where no links are measured, as in emulations. */
  readonly traffic?: Traffic | undefined;
  readonly events: readonly TimelineEvent[];
};

export function sliceOf(timeline: RankTimeline): Slice {
  return { start: timeline.slice[0], end: timeline.slice[1] };
}
