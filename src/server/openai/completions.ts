/**
 * POST /v1/completions: what its bodies mean, and how its answers are told.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { MAX_TOP_LOGPROBS } from '../../core/sampling.js';
import type { Dialect } from '../answers/dialect.js';
import type { ParsedRequest } from '../answers/parsed-request.js';
import { Ignored } from '../parameters/read.js';
import { accepted, bad } from '../requests/refusal.js';
import { MAX_CHOICES, type ServedEngine } from '../requests/settings.js';
import { wholeDocument } from './answer-fields.js';
import { type ChunkChoices, chunkStream } from './chunk-stream.js';
import { completionLogprobs, entriesOf, type LogprobEntry } from './logprobs.js';
import { formatShape, readFormat } from './response-format.js';
import { parseParameters, samplingOf, sharedRequest, sharedShape } from './parameters.js';

const completionSchema = z.strictObject({
  ...sharedShape,
  prompt: z.unknown(),
  ...formatShape,
  logprobs: z.union([z.boolean(), z.number().int().min(0).max(MAX_TOP_LOGPROBS)]).optional(),
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
};

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
async function parseCompletion(
  body: unknown,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<ParsedRequest> {
  const ignored = new Ignored();
  const given = parseParameters(completionSchema, Object.keys(completionSchema.shape), body, ignored);
  const shared = sharedRequest(given);
  const format = readFormat(given, ignored);
  return {
    ...shared,
    kind: 'completion',
    grammar: format && (await accepted(format, engine.preparation, signal)),
    ignored: ignored.names,
    prompts: await readPrompts(given.prompt, engine, signal),
    maxTokens: given.max_tokens ?? DEFAULT_MAX_TOKENS,
    sampling: samplingOf(given, topLogprobsOf(given.logprobs)),
  };
}

/** true is how chats ask for them, without likely others. */
function topLogprobsOf(given: boolean | number | undefined): number | undefined {
  return typeof given === 'boolean' ? (given ? 0 : undefined) : given;
}

/** A string, several strings, token ids, or several lists of token ids. */
async function readPrompts(
  prompt: unknown,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array[]> {
  if (typeof prompt === 'string') return [await readPrompt(prompt, 'prompt', engine, signal)];
  if (!Array.isArray(prompt) || prompt.length === 0)
    throw bad('prompt must be a string, a list of strings, or token ids, and not empty', 'prompt');
  if (typeof prompt[0] === 'number') return [await readPrompt(prompt, 'prompt', engine, signal)];
  if (prompt.length > MAX_CHOICES)
    throw bad(
      `prompt lists ${prompt.length} prompts, above the limit of ${MAX_CHOICES}; send fewer`,
      'prompt',
    );
  const ids: Int32Array[] = [];
  // One after the other: together they are one request, which shall not take the turns of many.
  for (const [index, one] of prompt.entries())
    ids.push(await readPrompt(one, `prompt.${index}`, engine, signal));
  return ids;
}

/** One string, or one list of token ids. */
async function readPrompt(
  prompt: unknown,
  place: string,
  { model, preparation }: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array> {
  if (prompt === '') throw bad('the prompt is empty; give at least one character', 'prompt');
  if (typeof prompt === 'string') return preparation.promptIds({ kind: 'text', text: prompt }, signal);
  const { contextTokens } = model.shape;
  if (Array.isArray(prompt) && prompt.length > contextTokens)
    throw promptTooLong(prompt.length, contextTokens);
  if (Array.isArray(prompt) && prompt.length > 0 && prompt.every(isId)) return Int32Array.from(prompt);
  throw bad(`${place} must be a string or a list of token ids, and not empty`, 'prompt');
}

function promptTooLong(tokens: number, contextTokens: number): KvrError {
  const message = `the prompt has ${tokens} tokens, but the model's context is ${contextTokens}; shorten the prompt`;
  return new KvrError('PROMPT_TOO_LONG', message, { promptTokens: tokens, contextTokens, param: 'prompt' });
}

/** Vocabularies are far smaller; the engine tells of ids that are not in its own. */
function isId(id: unknown): id is number {
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && id < 2 ** 31;
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
