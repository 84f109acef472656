/**
 * The parameters of /completion and /infill: what llama.cpp's clients send, in the words of OpenAI's completions, which are then
 * read as those are; and what is llama.cpp's alone.
 */
import { z } from 'zod';
import { MAX_TOP_LOGPROBS } from '../../core/sampling.js';
import type { ParsedRequest } from '../answers/parsed-request.js';
import { withoutDefaultLimit } from '../answers/default-limit.js';
import { parseTranslated } from '../answers/translated.js';
import { PLAIN_COMPLETIONS } from '../openai/completions.js';
import { checkedFields } from '../parameters/body.js';
import { Ignored, isNothing } from '../parameters/read.js';
import { unsupported } from '../requests/refusal.js';
import type { ServedEngine } from '../requests/settings.js';
import { tokenBiases } from './token-biases.js';

/** A path of names of an answer, as "generation_settings/n_predict". */
const MAX_RESPONSE_FIELDS = 64;

const ownSchema = z.object({
  /** Ids of the answer's tokens come with a whole answer, too. */
  return_tokens: z.boolean().default(false),
  return_progress: z.boolean().default(false),
  n_probs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).default(0),
  response_fields: z.array(z.string().max(256)).max(MAX_RESPONSE_FIELDS).default([]),
});
export type OwnParameters = z.output<typeof ownSchema>;
const OWN = Object.keys(ownSchema.shape);

/** What would change the answer, and the values that ask for nothing. */
const REFUSED: Readonly<Record<string, (value: unknown) => boolean>> = {
  post_sampling_probs: (value) => value === false,
  n_indent: (value) => value === 0,
  t_max_predict_ms: (value) => typeof value === 'number' && value <= 0,
};

export type LlamaRequest = ParsedRequest & {
  readonly own: OwnParameters;
  /** The answer is a list, since several prompts or answers were asked for. */
  readonly isList: boolean;
};

/** Log-probabilities are asked for by n_probs here. */
const UNTOLD = ['logprobs', 'top_logprobs'];

const NAMES = {
  max_tokens: 'n_predict',
  repetition_penalty: 'repeat_penalty',
  logprobs: 'n_probs',
  n: 'n_cmpl',
};

/**
 * @param prompts of the request, read by the endpoint. @returns the request without a limit where n_predict names none
 * @throws BAD_INPUT, UNSUPPORTED_PARAMETER
 */
export async function parseParameters(
  body: Readonly<Record<string, unknown>>,
  prompts: readonly Int32Array[],
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Omit<LlamaRequest, 'isList'>> {
  const fields = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  for (const [name, isNothing] of Object.entries(REFUSED))
    if (fields[name] !== undefined && !isNothing(fields[name])) throw unsupported(name);
  const own = checkedFields(ownSchema, fields);
  const { n_cmpl: n, seed, logit_bias: bias, ...rest } = without(fields, [...OWN, ...Object.keys(REFUSED)]);
  const ignored = new Ignored();
  for (const name of UNTOLD) if (!isNothing(rest[name])) ignored.add(name);
  const asked = {
    ...without(rest, UNTOLD),
    ...(n !== undefined && { n }),
    ...(own.n_probs > 0 && { logprobs: own.n_probs }),
    // A negative seed asks for a new one each time, as no seed does.
    ...(typeof seed === 'number' && seed < 0 ? {} : { seed }),
    ...(bias !== undefined && { logit_bias: tokenBiases(bias, engine.model.tokenizer) }),
    // The prompts are read already; this one stands in for them.
    prompt: [0],
  };
  const parsed = await parseTranslated(PLAIN_COMPLETIONS, asked, NAMES, engine, signal);
  const names = [...ignored.names, ...(parsed.ignored ?? [])];
  return { ...withoutDefaultLimit(parsed, asked), prompts, own, ignored: names };
}

function without(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}
