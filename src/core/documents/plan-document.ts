/**
 * A predicted partition: the answer to GET /kvr/plan.
 */
import * as z from 'zod/mini';
import { index, slice, text } from '../schema/fields.js';
import { MAX_RANKS } from '../partition.js';
import { partitionSchema } from './request-record.js';

const planRankSchema = z.object({
  rank: index,
  worker: index,
  slice,
  /** From the request's start to the end of this rank's prompt phase. */
  predictedMs: z.number(),
  computeMs: z.number(),
  /** The part of computeMs that is attention. */
  attentionMs: z.number(),
  waitMs: z.number(),
  sendMs: z.number(),
  /** What takes the most of this rank's time. */
  limit: z.enum(['compute', 'attention', 'link']),
});
export type PlanRank = Readonly<z.infer<typeof planRankSchema>>;

export const planDocumentSchema = z.object({
  label: z.literal('predicted'),
  model: text,
  dtype: text,
  kvDtype: text,
  threads: index,
  contextTokens: index,
  /** Ranks of the chain. */
  workers: index,
  partition: partitionSchema,
  predictedTtftMs: z.number(),
  /** The fastest worker alone. */
  singleTtftMs: z.number(),
  /** singleTtftMs over predictedTtftMs. */
  gain: z.number(),
  ranks: z.readonly(z.array(planRankSchema).check(z.maxLength(MAX_RANKS))),
  /** Workers that would make the first token later. */
  dropped: z.readonly(z.array(z.object({ worker: index, reason: text })).check(z.maxLength(MAX_RANKS))),
  /** Workers or links that are only thought of; absent where the plan is for the chain at hand. */
  whatIf: z.optional(z.object({ workers: index, bytesPerS: z.number(), latencyMs: z.number() })),
  planningMs: z.number(),
});
export type PlanDocument = Readonly<z.infer<typeof planDocumentSchema>>;
