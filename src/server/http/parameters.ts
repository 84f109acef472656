/**
 * The parameters both endpoints share: what they may be, what they mean to the engine, and the refusal, by name, of
 * everything that is not honoured.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { samplingSchema } from '../../core/sampling.js';
import { type GenerateRequest, requestSchema } from '../../engine/options/request.js';
import { MAX_CHOICES, MAX_STOP_CHARS, MAX_STOPS } from '../requests/settings.js';

const sampling = samplingSchema.shape;
const maxTokens = requestSchema.shape.maxTokens.unwrap();
const word = z.string().max(256).optional();
const stop = z.string().min(1).max(MAX_STOP_CHARS);

/** Fields of samplingSchema have defaults; a request's own absence must stay visible. */
export const sharedShape = {
  /** The name the server lists; also where there is only one. */
  model: z.string().optional(),
  max_tokens: maxTokens.optional(),
  temperature: sampling.temperature.unwrap().optional(),
  top_p: sampling.topP.unwrap().optional(),
  top_k: sampling.topK.unwrap().optional(),
  min_p: sampling.minP.unwrap().optional(),
  repetition_penalty: sampling.repetitionPenalty.unwrap().optional(),
  frequency_penalty: sampling.frequencyPenalty.unwrap().optional(),
  presence_penalty: sampling.presencePenalty.unwrap().optional(),
  logit_bias: sampling.logitBias.unwrap().optional(),
  /** Any whole number, as clients send them; the engine's seeds are 32 bits. */
  seed: z.number().int().optional(),
  n: z.number().int().min(1).max(MAX_CHOICES).optional(),
  stop: z
    .union([stop, z.array(stop).max(MAX_STOPS)], {
      error: `must be a text, or a list of at most ${MAX_STOPS} texts, of 1 to ${MAX_STOP_CHARS} characters each`,
    })
    .optional(),
  stream: z.boolean().optional(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.literal(false).optional() })
    .optional(),
  /** Where requests wait, lower numbers go first. */
  priority: requestSchema.shape.priority.unwrap().optional(),
  /** Goes into the log, as does its newer name. */
  user: word,
  safety_identifier: word,
  /** What prompts share is found without it. */
  prompt_cache_key: word,
};
export type SharedParameters = z.output<z.ZodObject<typeof sharedShape>>;

/** Parameters that are known but not honoured, and the values that ask for nothing. */
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  response_format: (value) => isRecord(value) && value['type'] === 'text',
  tools: isEmpty,
  functions: isEmpty,
  metadata: isEmpty,
  tool_choice: (value) => value === 'none' || value === 'auto',
  parallel_tool_calls: (value) => typeof value === 'boolean',
  modalities: (value) => JSON.stringify(value) === '["text"]',
  store: (value) => value === false,
  service_tier: (value) => value === 'auto' || value === 'default',
  echo: (value) => value === false,
  best_of: (value) => value === 1,
};

/**
 * Parses a body's parameters. A null is as good as nothing, as everywhere in this API.
 * @throws UNSUPPORTED_PARAMETER, BAD_INPUT, both with the field `param`
 */
export function parseParameters<T>(schema: z.ZodType<T>, known: readonly string[], body: unknown): T {
  if (!isRecord(body)) throw bad('the body is not a JSON object; send one');
  const given = Object.entries(body).filter(([, value]) => value !== null);
  const asked = given.filter(([name, value]) => known.includes(name) || !isNeutral(name, value));
  const unknown = asked.find(([name]) => !known.includes(name));
  if (unknown) throw unsupported(unknown[0]);
  const parsed = schema.safeParse(Object.fromEntries(asked));
  if (parsed.success) return parsed.data;
  throw faultOf(parsed.error.issues[0], body);
}

export function unsupported(param: string, why = 'is not supported here; leave it out'): KvrError {
  const name = param.slice(0, 60);
  return new KvrError('UNSUPPORTED_PARAMETER', `parameter "${name}" ${why}`, { param: name });
}

export function bad(message: string, param?: string): KvrError {
  return new KvrError('BAD_INPUT', message, param === undefined ? {} : { param });
}

/** What the engine is asked for, beside prompt and seed. */
export function generateOptions(given: SharedParameters): Omit<GenerateRequest, 'promptIds' | 'signal'> {
  const stops = given.stop ?? [];
  return {
    stop: typeof stops === 'string' ? [stops] : stops,
    priority: given.priority,
    sampling: {
      temperature: given.temperature ?? 1,
      topP: given.top_p,
      topK: given.top_k,
      minP: given.min_p,
      repetitionPenalty: given.repetition_penalty,
      frequencyPenalty: given.frequency_penalty,
      presencePenalty: given.presence_penalty,
      logitBias: given.logit_bias,
    },
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNeutral(name: string, value: unknown): boolean {
  return Object.hasOwn(NEUTRAL, name) && NEUTRAL[name]?.(value) === true;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function faultOf(issue: z.core.$ZodIssue | undefined, body: unknown): KvrError {
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') return unsupported([...path, issue.keys[0] ?? ''].join('.'));
  const param = path.join('.');
  return bad(`${param}: ${issue?.message ?? 'is not valid'}${shownAt(body, path)}`, param);
}

/** Numbers and truth values are told; a text may be a prompt. */
function shownAt(body: unknown, path: readonly string[]): string {
  const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], body);
  const isTold = typeof value === 'number' || typeof value === 'boolean';
  return isTold ? `; ${String(value)} was given` : '';
}
