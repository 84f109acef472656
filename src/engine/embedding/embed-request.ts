/**
 * The fields of a request for embeddings, with every bound.
 */
import { z } from 'zod';
import { POOLINGS } from '../../core/request.js';
import { requestSchema } from '../options/request.js';

/** Inputs of one request, as many as OpenAI's API takes; each is a request to the chain of its own. */
export const MAX_EMBED_INPUTS = 2048;

const { strategy, priority, partition, workers, client, deadlineMs } = requestSchema.shape;

export const embedRequestSchema = z.strictObject({
  /** The last token's row, or the mean of all; what the checkpoint says unless given, and else 'last'. */
  pooling: z.enum(POOLINGS).optional(),
  /** Whether each embedding has the length 1; as the checkpoint says unless given, and else true. */
  normalize: z.boolean().optional(),
  /** Keeps the first so many numbers, for models that were trained for it; all unless given. */
  dimensions: z.number().int().min(1).optional(),
  strategy,
  priority,
  partition,
  workers,
  client,
  /** The whole request, all of its inputs, may take this long. */
  deadlineMs,
});

/** A text, to which the tokenizer adds what its files say (an end token, where embeddings need one), or ids as they are. */
export type EmbedInput = string | readonly number[] | Int32Array;

export type EmbedRequest = z.input<typeof embedRequestSchema> & {
  readonly inputs: readonly EmbedInput[];
  readonly signal?: AbortSignal;
  /** How far all inputs together are, from 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
};

export type EmbedResult = {
  /** In the order of the inputs, each [dimensions]; the caller's. */
  readonly embeddings: readonly Float32Array[];
  /** Of all inputs together. */
  readonly promptTokens: number;
  readonly pooling: (typeof POOLINGS)[number];
  readonly isNormalized: boolean;
  /** Until the first input was handed to the chain. */
  readonly queueMs: number;
  /** From being asked to the last embedding. */
  readonly totalMs: number;
};
