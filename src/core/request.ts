/**
 * A request as every station sees it, from the library's door to the kernels: made once, when it is validated, and passed on
 * unchanged. What a station adds (ids, the partition, a rank's place) lies beside it.
 */
import { z } from 'zod';
import { MAX_TOP_LOGPROBS, samplingSchema } from './sampling.js';
import { KV_DTYPES } from './shape.js';
import { STRATEGIES } from './strategy.js';
import { thinkingLimitSchema } from './thinking-limit.js';

/**
 * Which rows of a prompt, after the final norm, make its embedding: the last token's, or the mean of all.
 */
export const POOLINGS = ['last', 'mean'] as const;
export type Pooling = (typeof POOLINGS)[number];

const tokenPosition = z.number().int().min(0).max(0xffff_ffff);

export const requestSpecSchema = z.object({
  strategy: z.enum(STRATEGIES).default('kvr'),
  /** Where requests wait, lower numbers go first; equal ones in order of arrival. */
  priority: z.number().int().min(-1000).max(1000).default(0),
  /** 0: the prompt is read, and there is no answer. */
  maxTokens: z.number().int().min(0).max(1_000_000).default(256),
  sampling: samplingSchema.prefault({}),
  /** Tokens at which a chunk of rows must end as well: how one worker runs other workers' slices for emulation. */
  chunkEnds: z.array(tokenPosition).max(1024).default([]),
  /** Go on from rows of earlier requests, and keep this one's, as far as the workers keep any. */
  prefixCache: z.boolean().default(true),
  /** Report the logits after the prompt. */
  wantLogits: z.boolean().default(false),
  /** Report what the model thinks of the prompt's own tokens, each with so many of the likeliest in its place. */
  promptLogprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).optional(),
  /** There is no answer: the prompt's rows are pooled, and that is the result. */
  pooling: z.enum(POOLINGS).optional(),
  /** What the answer is held to; read where it is compiled, see grammar/. */
  grammar: z.unknown().optional(),
  /** After so much thinking the model is made to answer. */
  thinkingLimit: thinkingLimitSchema.optional(),
  /** Of keys and values: of the caches on all ranks and of the rows between them. */
  kvDtype: z.enum(KV_DTYPES).default('f32'),
  /** Tokens that end the answer. */
  eosIds: z.array(tokenPosition).max(1024).readonly().default([]),
});

export type RequestSpec = z.output<typeof requestSpecSchema>;

/** Tokens that an answer may have; none where the prompt is pooled. */
export function answerTokens({ maxTokens, pooling }: Pick<RequestSpec, 'maxTokens' | 'pooling'>): number {
  return pooling === undefined ? maxTokens : 0;
}

/**
 * Whether every row of the prompt goes through the last layer, and not the last one alone. Rows kept of earlier requests are of no
 * use then: they have no hidden states.
 */
export function needsAllRows({
  pooling,
  promptLogprobs,
}: Pick<RequestSpec, 'pooling' | 'promptLogprobs'>): boolean {
  return pooling === 'mean' || promptLogprobs !== undefined;
}

/** The fields that come with a request; the others come from the engine that takes it. */
export const askedSpecShape = requestSpecSchema.omit({ kvDtype: true, eosIds: true }).shape;
