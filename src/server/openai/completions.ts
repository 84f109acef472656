/**
 * POST /v1/completions: what its bodies mean, and how its answers are told.
 */
import { z } from 'zod';
import { MAX_TOP_LOGPROBS } from '../../core/sampling.js';
import type { Dialect } from '../answers/dialect.js';
import type { ParsedRequest } from '../answers/parsed-request.js';
import { bad } from '../requests/refusal.js';
import { MAX_CHOICES, type ServedEngine } from '../requests/settings.js';
import { wholeDocument } from './answer-fields.js';
import { type ChunkChoices, chunkStream } from './chunk-stream.js';
import { errorBody } from './error-body.js';
import { completionLogprobs, entriesOf, type LogprobEntry } from './logprobs.js';
import { parseParameters, samplingOf, sharedRequest, sharedShape } from './parameters.js';

const completionSchema = z.strictObject({
  ...sharedShape,
  prompt: z.unknown(),
  logprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).optional(),
});

/** OpenAI's own default for this endpoint. */
const DEFAULT_MAX_TOKENS = 16;

export const COMPLETIONS: Dialect = {
  idPrefix: 'cmpl-',
  parse: parseCompletion,
  whole: (run) =>
    wholeDocument(
      run,
      'text_completion',
      run.answers.map((answer, index) =>
        textChoice(index, answer.text, answer.result?.finishReason ?? null, entriesOf(answer, run)),
      ),
    ),
  stream: (run, wantsEvents) => chunkStream(run, CHUNKS, wantsEvents),
  errorBody,
};

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
function parseCompletion(body: unknown, engine: ServedEngine): ParsedRequest {
  const given = parseParameters(completionSchema, Object.keys(completionSchema.shape), body);
  return {
    ...sharedRequest(given),
    kind: 'completion',
    prompts: readPrompts(given.prompt, engine),
    maxTokens: given.max_tokens ?? DEFAULT_MAX_TOKENS,
    sampling: samplingOf(given, given.logprobs),
  };
}

/** A string, several strings, token ids, or several lists of token ids. */
function readPrompts(prompt: unknown, { model }: ServedEngine): (readonly number[])[] {
  if (typeof prompt === 'string') return [encode(prompt, model)];
  if (!Array.isArray(prompt) || prompt.length === 0)
    throw bad('prompt must be a string, a list of strings, or token ids, and not empty', 'prompt');
  if (isIds(prompt)) return [prompt];
  if (prompt.length > MAX_CHOICES)
    throw bad(
      `prompt lists ${prompt.length} prompts, above the limit of ${MAX_CHOICES}; send fewer`,
      'prompt',
    );
  return prompt.map((one: unknown, index) => {
    if (typeof one === 'string') return encode(one, model);
    if (isIds(one) && one.length > 0) return one;
    throw bad(`prompt.${index} must be a string or a list of token ids, and not empty`, 'prompt');
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

const CHUNKS: ChunkChoices = {
  object: 'text_completion',
  begin: () => undefined,
  text: (index, text, entries) => textChoice(index, text, null, entries),
  call: () => undefined,
  end: (index, { finishReason }) => textChoice(index, '', finishReason),
};

function textChoice(
  index: number,
  text: string,
  finishReason: string | null,
  entries?: readonly LogprobEntry[],
): unknown {
  return { text, index, logprobs: completionLogprobs(entries), finish_reason: finishReason };
}
