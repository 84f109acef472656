/**
 * How the next token is chosen from logits. The choice itself is runtime/sampler.ts.
 */
import { z } from 'zod';

export const MAX_TOP_LOGPROBS = 20;
const MAX_BIASES = 1024;

/** Natural logarithms of the probabilities the model itself gives, before penalties, bias and temperature. */
export type TokenLogprobs = {
  readonly logprob: number;
  /** The likeliest tokens, best first. */
  readonly top: readonly { readonly id: number; readonly logprob: number }[];
};

/** Bounds are those of common servers; a value outside is refused where it enters, never clipped. */
export const samplingSchema = z.strictObject({
  /** 0 is greedy. */
  temperature: z.number().min(0).max(100).default(0),
  /** Keep the k likeliest; 0 keeps all. */
  topK: z.number().int().min(0).max(1_000_000).default(0),
  /** Keep the likeliest whose probabilities reach p, at least one. */
  topP: z.number().min(0).max(1).default(1),
  /** Drop what is less likely than minP times the likeliest. */
  minP: z.number().min(0).max(1).default(0),
  /** Divide positive and multiply negative logits of tokens already seen; 1 is off. */
  repetitionPenalty: z.number().gt(0).max(100).default(1),
  /** Taken off a token's logit for each time the answer has it already. */
  frequencyPenalty: z.number().min(-100).max(100).default(0),
  /** Taken off a token's logit once the answer has it. */
  presencePenalty: z.number().min(-100).max(100).default(0),
  /** Token id → what is added to its logit. */
  logitBias: z
    .record(z.string().regex(/^\d{1,10}$/), z.number().min(-100).max(100))
    .refine((bias) => Object.keys(bias).length <= MAX_BIASES, `at most ${MAX_BIASES} tokens`)
    .default({}),
  /** How many of the likeliest tokens are told of with every choice, and with them the choice's own probability. */
  topLogprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).optional(),
  /** Same seed, same text. */
  seed: z.number().int().min(0).max(0xffff_ffff).default(0),
});

/** What a checkpoint may say about how its answers are to be drawn. */
export type SamplingDefaults = Readonly<
  Partial<
    Pick<z.infer<typeof samplingSchema>, 'temperature' | 'topP' | 'topK' | 'minP' | 'repetitionPenalty'>
  >
>;

export type Sampling = z.infer<typeof samplingSchema>;
export const GREEDY: Sampling = samplingSchema.parse({});

const WORDS = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  repetitionPenalty: 'repetition_penalty',
} as const satisfies Record<keyof SamplingDefaults, string>;

/** "temperature 0.6, top_p 0.95"; empty where nothing is said. */
export function describeSampling(defaults: SamplingDefaults): string {
  const names = Object.keys(WORDS) as (keyof SamplingDefaults)[];
  return names
    .flatMap((name) => (defaults[name] === undefined ? [] : `${WORDS[name]} ${defaults[name]}`))
    .join(', ');
}
