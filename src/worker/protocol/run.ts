/**
 * One rank's part of a request.
 */
import { z } from 'zod';
import { MAX_RANKS } from '../../core/partition.js';
import { requestSpecSchema } from '../../core/request.js';
import { index, request, workerId } from './fields.js';

/** Requests one worker holds at once, running and waiting. */
export const MAX_REQUESTS = 64;

/**
 * Rows that a worker has kept of an earlier request: the entry's name and how many of its tokens the prompt begins with. Without a name
 * they are blocks on its disk.
 */
const reuseSchema = z.object({ entry: request.optional(), tokens: index });

/** Payload: i32 ids of the rank's slice, and the one behind it where promptLogprobs is asked for; for the last rank the whole prompt's, then those of the answer so far. */
export const runSchema = z.object({
  type: z.literal('run'),
  request,
  /** The same for all ranks. */
  spec: requestSpecSchema,
  rank: index,
  /** Worker ids in rank order. */
  chain: z.array(workerId).min(1).max(MAX_RANKS),
  /** Slice sizes in rank order; they add up to the prompt. */
  partition: z.array(index).min(1).max(MAX_RANKS),
  /** For rank 0: its slice begins with rows it may still have. Where it has not, it computes them. */
  reuse: reuseSchema.optional(),
  /** For the last rank: tokens that an earlier chain, which was lost, has given the answer. It goes on behind them. */
  answered: index.optional(),
});
export type RunMessage = z.infer<typeof runSchema>;
