/**
 * What every rank did and when: the record that pictures, plans and figures are made of. The same schema is checked
 * where a worker tells it to an engine and where a server tells it to the page.
 * Times are milliseconds since the rank was handed the request.
 */
import * as z from 'zod/mini';
import { bytes, index, milliseconds, slice } from './schema/fields.js';
import type { Slice } from './partition.js';

/** The most buckets of a rank's traffic: as many as a small chart can show. */
export const MAX_TRAFFIC_BUCKETS = 128;
/** Above what a worker tells: compact-events.ts keeps to 4,096 events, or to one for each kind and layer. */
export const MAX_EVENTS = 16_384;

const timelineEventSchema = z.object({
  kind: z.enum(['embed', 'block', 'attention', 'wait', 'send', 'head', 'cache']),
  layer: z.int(),
  /** First token of the rows that were worked on; absent for waits and sends. */
  start: z.optional(index),
  startMs: milliseconds,
  endMs: milliseconds,
});
/** One stretch of a rank's time. 'send' lasts from handing KV to the link until the last byte left the process. */
export type TimelineEvent = Readonly<z.infer<typeof timelineEventSchema>>;

const bytesOverTime = z.readonly(z.array(bytes).check(z.maxLength(MAX_TRAFFIC_BUCKETS)));
const trafficSchema = z.object({
  /** Length of every bucket; the first begins when the rank was handed the request. */
  bucketMs: milliseconds,
  sentBytes: bytesOverTime,
  receivedBytes: bytesOverTime,
});
/** Bytes of keys and values on a rank's links over time: its own rows and others' that it relays. */
export type Traffic = Readonly<z.infer<typeof trafficSchema>>;

export const rankTimelineSchema = z.object({
  rank: index,
  slice,
  /** From being handed the request to the end of this rank's prompt phase. */
  totalMs: milliseconds,
  /** Inside sessions: embedding, blocks, attention and head together. */
  computeMs: milliseconds,
  /** The part of computeMs that was attention. */
  attentionMs: milliseconds,
  /** Blocked on KV of the prefix that had not arrived. */
  waitMs: milliseconds,
  /** The worker's time that other requests got meanwhile; where it is not 0, times say less about the worker. */
  sharedMs: z.optional(milliseconds),
  /** Tokens at the slice's front whose rows were kept from an earlier request, and not computed. */
  cachedTokens: z.optional(index),
  /** Those of them whose rows were read from disk. */
  storedTokens: z.optional(index),
  sentBytes: bytes,
  receivedBytes: bytes,
  /** Absent where no links are measured, as in emulations. */
  traffic: z.optional(trafficSchema),
  events: z.readonly(z.array(timelineEventSchema).check(z.maxLength(MAX_EVENTS))),
});
export type RankTimeline = Readonly<z.infer<typeof rankTimelineSchema>>;

export function sliceOf(timeline: RankTimeline): Slice {
  return { start: timeline.slice[0], end: timeline.slice[1] };
}
