/**
 * Where a model's thinking is to end, whether or not it has come to an end by itself.
 */
import { z } from 'zod';

/** The longest known are a few dozen; an end may be several special tokens and the begin of the answer. */
const MAX_MARK_CHARS = 256;
const MAX_END_TOKENS = 64;

export const thinkingLimitSchema = z.strictObject({
  /** So many tokens behind the opening mark; 0 ends it as soon as it has begun. */
  tokens: z.number().int().min(0).max(1_000_000),
  open: z.string().min(1).max(MAX_MARK_CHARS),
  close: z.string().min(1).max(MAX_MARK_CHARS),
  /** Ids of what is written at the limit: the closing mark, and what the model puts between it and its answer. */
  endIds: z.array(z.number().int().min(0).max(0xffff_ffff)).min(1).max(MAX_END_TOKENS),
  /** The prompt has opened the block. */
  isInside: z.boolean().default(false),
  /** A block may come again behind other text; else only an answer's begin can be one. */
  mayReopen: z.boolean().default(false),
});
export type ThinkingLimit = z.output<typeof thinkingLimitSchema>;
