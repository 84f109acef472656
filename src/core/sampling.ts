/**
 * How the next token is chosen from logits. The choice itself is runtime/sampler.ts.
 */
import { z } from 'zod';

/** Bounds are those of common servers; a value outside is refused where it enters, never clipped. */
export const samplingSchema = z.strictObject({
  /** 0 is greedy. */
  temperature: z.number().min(0).max(100).default(0),
  /** Keep the k likeliest; 0 keeps all. */
  topK: z.number().int().min(0).max(1_000_000).default(0),
  /** Keep the likeliest whose probabilities reach p. */
  topP: z.number().gt(0).max(1).default(1),
  /** Drop what is less likely than minP times the likeliest. */
  minP: z.number().min(0).max(1).default(0),
  /** Divide positive and multiply negative logits of tokens already seen; 1 is off. */
  repetitionPenalty: z.number().gt(0).max(100).default(1),
  /** Same seed, same text. */
  seed: z.number().int().min(0).max(0xffff_ffff).default(0),
});

export type Sampling = z.infer<typeof samplingSchema>;
export const GREEDY: Sampling = samplingSchema.parse({});
