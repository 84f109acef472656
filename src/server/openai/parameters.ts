/**
 * The parameters that both endpoints share: their bounds, and what they mean to the engine. Fields are told apart: those that are
 * honoured, those that say nothing about the answer and are ignored, and those that would change it and are refused by name.
 */
import { z } from 'zod';
import type { KvrError } from '../../core/errors.js';
import { samplingSchema } from '../../core/sampling.js';
import { requestSchema } from '../../engine/options/request.js';
import { inOneSpelling } from '../parameters/aliases.js';
import { type Ignored, isNothing } from '../parameters/read.js';
import { ELSEWHERE, REFUSED, type RefusedParameters } from '../parameters/refused.js';
import { bad, unsupported } from '../requests/refusal.js';
import { MAX_CHOICES, MAX_STOP_CHARS, MAX_STOPS } from '../requests/settings.js';
import { isRecord } from '../tools/json/json.js';

const sampling = samplingSchema.shape;
const maxTokens = requestSchema.shape.maxTokens.unwrap();
const word = z.string().max(256).optional();
const stop = z.string().min(1).max(MAX_STOP_CHARS);

/** Fields of samplingSchema have defaults, which are taken off: whether a client gave a value must stay visible. */
export const sharedShape = {
  /** Looked at only by a server that is strict about it. */
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
      error: `must be a string, or a list of at most ${MAX_STOPS} strings, of 1 to ${MAX_STOP_CHARS} characters each`,
    })
    .optional(),
  stream: z.boolean().optional(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).optional(),
  /** Streams tell of the queue and of the prompt phase twice a second. */
  return_progress: z.boolean().optional(),
  /** Where requests wait, lower numbers go first. */
  priority: requestSchema.shape.priority.unwrap().optional(),
  /** Which workers may take part. */
  chain: requestSchema.shape.chain,
  /** Goes into the log, as does its newer name. */
  user: word,
  safety_identifier: word,
};
const STREAM_OPTIONS = ['include_usage'];
type SharedParameters = z.output<z.ZodObject<typeof sharedShape>>;

/**
 * Parses a body's parameters. Null counts as absent, as everywhere in this API.
 * @param known what the endpoint honours. @param ignored takes the names of what says nothing about the answer
 * @param refused what the endpoint refuses beside what all do
 * @throws UNSUPPORTED_PARAMETER, BAD_INPUT, both with the field `param`
 */
export function parseParameters<T>(
  schema: z.ZodType<T>,
  known: readonly string[],
  body: unknown,
  ignored: Ignored,
  refused: RefusedParameters = {},
): T {
  if (!isRecord(body)) throw bad('the body is not a JSON object; send one');
  const spelled = inOneSpelling(body, ignored);
  // The log takes texts alone; what else names a user says nothing.
  if (typeof spelled['user'] !== 'string') {
    if (!isNothing(body['user'])) ignored.add('user');
    delete spelled['user'];
  }
  const asked = readFields(spelled, known, { ...ELSEWHERE, ...REFUSED, ...refused }, ignored);
  const options = asked['stream_options'];
  if (isRecord(options))
    asked['stream_options'] = ignored.keepKnown(options, STREAM_OPTIONS, 'stream_options.');
  const parsed = schema.safeParse(asked);
  if (parsed.success) return parsed.data;
  throw faultOf(parsed.error.issues[0], body);
}

/**
 * @param known what the endpoint honours
 * @param refused what it refuses, unless the value asks for nothing; what is known is never looked for here
 * @returns the known fields; null counts as absent, as does what a dialect left undefined. @throws UNSUPPORTED_PARAMETER with the field `param`
 */
function readFields(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  refused: RefusedParameters,
  ignored: Ignored,
): Record<string, unknown> {
  const fields = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  );
  for (const [name, value] of Object.entries(fields)) {
    if (known.includes(name) || !Object.hasOwn(refused, name)) continue;
    if (refused[name]?.(value) !== true) throw unsupported(name);
    delete fields[name];
  }
  return ignored.keepKnown(fields, known, '');
}

/** The parts of a request that both endpoints name alike. */
export function sharedRequest(given: SharedParameters) {
  const stop = given.stop ?? [];
  return {
    model: given.model,
    n: given.n ?? 1,
    seed: given.seed,
    stop: typeof stop === 'string' ? [stop] : stop,
    priority: given.priority,
    user: given.user ?? given.safety_identifier,
    chain: given.chain,
    isStream: given.stream === true,
    wantsProgress: given.return_progress === true,
    wantsUsage: given.stream_options?.include_usage === true,
  };
}

/** @param topLogprobs how many likely tokens to tell of with each; undefined where no probabilities are asked for */
export function samplingOf(given: SharedParameters, topLogprobs: number | undefined) {
  return {
    temperature: given.temperature,
    topP: given.top_p,
    topK: given.top_k,
    minP: given.min_p,
    repetitionPenalty: given.repetition_penalty,
    frequencyPenalty: given.frequency_penalty,
    presencePenalty: given.presence_penalty,
    logitBias: given.logit_bias,
    topLogprobs,
  };
}

function faultOf(issue: z.core.$ZodIssue | undefined, body: unknown): KvrError {
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') return unsupported([...path, issue.keys[0] ?? ''].join('.'));
  const param = path.join('.');
  return bad(`${param}: ${issue?.message ?? 'is not valid'}${shownAt(body, path)}`, param);
}

/** Numbers and booleans are shown; a text may be a part of a prompt. */
function shownAt(body: unknown, path: readonly string[]): string {
  const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], body);
  const isShown = typeof value === 'number' || typeof value === 'boolean';
  return isShown ? `; ${String(value)} was given` : '';
}
