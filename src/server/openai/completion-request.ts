/**
 * The body of POST /v1/completions → what is asked of the engine.
 */
import { z } from 'zod';
import { MAX_TOP_LOGPROBS } from '../../core/sampling.js';
import { type ParsedRequest, makeAsk } from './parsed-request.js';
import { bad, parseParameters, sharedShape } from '../http/parameters.js';
import { MAX_CHOICES, type ServedEngine, type ServerSettings } from '../requests/settings.js';

const completionSchema = z.strictObject({
  ...sharedShape,
  prompt: z.unknown(),
  logprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).optional(),
});

/** OpenAI's own default for this endpoint. */
const DEFAULT_MAX_TOKENS = 16;

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER, PROMPT_TOO_LONG, NOT_FOUND */
export function readCompletion(
  body: unknown,
  deadlineMs: number,
  engine: ServedEngine,
  settings: ServerSettings,
): ParsedRequest {
  const given = parseParameters(completionSchema, Object.keys(completionSchema.shape), body);
  const prompts = readPrompts(given.prompt, engine);
  const maxTokens = given.max_tokens ?? DEFAULT_MAX_TOKENS;
  const topLogprobs = given.logprobs;
  return makeAsk(
    { kind: 'completion', prompts, given, maxTokens, deadlineMs, topLogprobs },
    engine,
    settings,
  );
}

/** A text, several, token ids, or several lists of those. */
function readPrompts(prompt: unknown, { model }: ServedEngine): (readonly number[])[] {
  if (typeof prompt === 'string') return [encode(prompt, model)];
  if (!Array.isArray(prompt) || prompt.length === 0)
    throw bad('prompt must be a text, a list of texts, or token ids; at least one', 'prompt');
  if (isIds(prompt)) return [prompt];
  if (prompt.length > MAX_CHOICES)
    throw bad(`prompt lists ${prompt.length} prompts, above the limit of ${MAX_CHOICES}`, 'prompt');
  return prompt.map((one: unknown, index) => {
    if (typeof one === 'string') return encode(one, model);
    if (isIds(one) && one.length > 0) return one;
    throw bad(`prompt.${index} must be a text or a list of token ids, not empty`, 'prompt');
  });
}

function encode(text: string, { tokenizer }: ServedEngine['model']): number[] {
  if (text === '') throw bad('the prompt is empty; give at least one character', 'prompt');
  return tokenizer.encode(text);
}

function isIds(value: unknown): value is number[] {
  const isId = (id: unknown): boolean => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0;
  return Array.isArray(value) && value.every(isId);
}
