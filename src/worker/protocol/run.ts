/**
 * One rank's part of a request.
 */
import { z } from 'zod';
import { samplingSchema } from '../../core/sampling.js';
import { KV_DTYPES } from '../../core/shape.js';
import { STRATEGIES } from '../../core/strategy.js';
import { index, request, workerId } from './fields.js';

/** Requests one worker holds at once, running and waiting. */
export const MAX_REQUESTS = 64;

/** Rows that a worker has kept of an earlier request: the entry's name and how many of its tokens the prompt begins with. */
const reuseSchema = z.object({ entry: request, tokens: index });

/** Payload: i32 ids of the rank's slice; for the last rank the whole prompt's. */
export const runSchema = z.object({
  type: z.literal('run'),
  request,
  strategy: z.enum(STRATEGIES),
  rank: index,
  /** Worker ids in rank order. */
  chain: z.array(workerId).min(1).max(1024),
  /** Slice sizes in rank order; they add up to the prompt. */
  partition: z.array(index).min(1).max(1024),
  maxTokens: index,
  /** Of the caches on all ranks and of the rows between them. */
  kvDtype: z.enum(KV_DTYPES),
  sampling: samplingSchema,
  eosIds: z.array(index).max(1024),
  /** Tokens at which a chunk of rows must end: with them one worker can run the slices of several, one by one. */
  chunkEnds: z.array(index).max(1024),
  /** Send the logits of the first token along. */
  wantLogits: z.boolean(),
  /** For the last rank: what the answer is held to; read where it is compiled. The vocabulary has come before. */
  grammar: z.unknown().optional(),
  /** For rank 0: its slice begins with rows it may still have. Where it has not, it computes them. */
  reuse: reuseSchema.optional(),
  /** For the last rank: keep the cache when the request has ended, if there is room, and say so. */
  keep: z.boolean().optional(),
});
export type RunMessage = z.infer<typeof runSchema>;
