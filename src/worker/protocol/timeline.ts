/**
 * A rank's record of a request, as core/timeline.ts describes it.
 */
import { z } from 'zod';
import { MAX_TRAFFIC_BUCKETS } from '../../core/timeline.js';
import { index, milliseconds } from './fields.js';

const timelineEvent = z.object({
  kind: z.enum(['embed', 'block', 'attention', 'wait', 'send', 'head', 'cache']),
  layer: z.number().int(),
  start: index.optional(),
  startMs: milliseconds,
  endMs: milliseconds,
});
const bytesOverTime = z.array(z.number().min(0)).max(MAX_TRAFFIC_BUCKETS).readonly();
const traffic = z.object({
  bucketMs: milliseconds,
  sentBytes: bytesOverTime,
  receivedBytes: bytesOverTime,
});
export const timelineSchema = z.object({
  rank: index,
  slice: z.tuple([index, index]).readonly(),
  totalMs: milliseconds,
  computeMs: milliseconds,
  attentionMs: milliseconds,
  waitMs: milliseconds,
  sharedMs: milliseconds.optional(),
  cachedTokens: index.optional(),
  sentBytes: z.number().min(0),
  receivedBytes: z.number().min(0),
  traffic: traffic.optional(),
  events: z.array(timelineEvent).max(1_000_000).readonly(),
});
