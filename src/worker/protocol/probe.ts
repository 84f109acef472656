/**
 * The measurement of a worker's kernels: what is asked, and what is answered.
 */
import { z } from 'zod';
import { KV_DTYPES } from '../../core/shape.js';
import { index, milliseconds } from './fields.js';

/** Asks for kernel times on this worker: blocks of so many rows, attention of so many rows after a prefix. */
export const probeSchema = z.object({
  type: z.literal('probe'),
  probe: index,
  blockTokens: z.array(index.min(1)).min(1).max(64),
  attention: z.array(z.object({ tokens: index.min(1), prefixTokens: index })).max(64),
  /** Of the caches that attention reads. */
  kvDtype: z.enum(KV_DTYPES),
  repeats: index.min(1).max(100),
});
export type ProbeMessage = z.infer<typeof probeSchema>;

/** One timed call; `call` is what a chunk costs outside the kernels, `embed` the embedding of `tokens` rows. */
export const probeSampleSchema = z.object({
  kind: z.enum(['block', 'attention', 'head', 'embed', 'call']),
  tokens: index,
  prefixTokens: index,
  ms: milliseconds,
});
export type ProbeSample = z.infer<typeof probeSampleSchema>;
