/**
 * What became of a request: what a server answers GET /kvr/requests with, and what its page lists. Figures and
 * timelines, never text.
 */
import * as z from 'zod/mini';
import { index, milliseconds, text } from '../schema/fields.js';
import { MAX_RANKS } from '../partition.js';
import { rankTimelineSchema } from '../timeline.js';

/** Requests that a server remembers. */
export const MAX_RECORDS = 50;

/** By rank, of those that have ended their part. */
export const timelineSchema = z.readonly(z.array(rankTimelineSchema).check(z.maxLength(MAX_RANKS)));
/** Slice sizes in rank order; empty while they are not known. */
export const partitionSchema = z.readonly(z.array(index).check(z.maxLength(MAX_RANKS)));

const figure = z.nullable(z.number());

export const requestRecordSchema = z.object({
  id: text,
  /** Milliseconds since 1970, by the server's clock. */
  atMs: milliseconds,
  kind: z.enum(['chat', 'completion', 'embedding']),
  status: z.enum(['queued', 'prefill', 'decode', 'done', 'failed', 'cancelled']),
  promptTokens: index,
  /** Prompt tokens whose keys and values were there already. */
  cachedTokens: index,
  completionTokens: index,
  /** Before its prompt phase began; null until then. */
  queueMs: figure,
  ttftMs: figure,
  predictedTtftMs: figure,
  /** Predicted for one worker alone. */
  singleTtftMs: figure,
  decodeTokensPerSecond: figure,
  partition: partitionSchema,
  timeline: timelineSchema,
  /** How often it went on after a worker or a link was lost, and how long it stood still for that; absent where it never did. */
  recoveries: z.optional(index),
  recoveryMs: z.optional(milliseconds),
  /** Of a request that failed. */
  error: z.optional(z.object({ code: text, message: text })),
});
export type RequestRecord = Readonly<z.infer<typeof requestRecordSchema>>;
export type RequestKind = RequestRecord['kind'];
export type RequestStatus = RequestRecord['status'];

export const requestListSchema = z.object({
  /** Newest first. */
  requests: z.readonly(z.array(requestRecordSchema).check(z.maxLength(MAX_RECORDS))),
});
export type RequestList = Readonly<z.infer<typeof requestListSchema>>;
