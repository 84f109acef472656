/**
 * POST /v1/completions: what its bodies mean, and how its answers are told.
 */
import { z } from 'zod';
import { KvrError } from '../../core/errors.js';
import { MAX_TOP_LOGPROBS } from '../../core/sampling.js';
import type { ChoiceRun } from '../answers/choice-run.js';
import type { Dialect } from '../answers/dialect.js';
import { Ignored } from '../parameters/read.js';
import { fimPrompt } from '../prompts/fim-prompt.js';
import { accepted, bad } from '../requests/refusal.js';
import { MAX_CHOICES, type ServedEngine } from '../requests/settings.js';
import { wholeDocument } from './answer-fields.js';
import { type ChunkChoices, chunkStream } from './chunk-stream.js';
import { behindPrompt, type CompletionRequest, echoOf, requireFewNumbers } from './echo.js';
import { completionLogprobs, entriesOf, type ToldToken } from './logprobs.js';
import { formatShape, readFormat } from './response-format.js';
import { parseParameters, samplingOf, sharedRequest, sharedShape } from './parameters.js';

const completionSchema = z.strictObject({
  ...sharedShape,
  prompt: z.unknown(),
  ...formatShape,
  /** The prompt stands before the answer, and its log-probabilities before the answer's. */
  echo: z.boolean().optional(),
  /** What stands behind the text that is to be filled in. */
  suffix: z.string().optional(),
  logprobs: z.union([z.boolean(), z.number().int().min(0).max(MAX_TOP_LOGPROBS)]).optional(),
});

/** OpenAI's own default for this endpoint. */
const DEFAULT_MAX_TOKENS = 16;

const KNOWN = Object.keys(completionSchema.shape);
/** What is this endpoint's alone, and no matter of other dialects that put their bodies into its words. */
const OWN = ['echo', 'suffix'];

export const COMPLETIONS: Dialect<CompletionRequest> = {
  idPrefix: 'cmpl-',
  parse: (body, engine, signal) => parseCompletion(body, engine, signal, KNOWN),
  whole: (run) =>
    wholeDocument(
      run,
      'text_completion',
      run.answers.map((answer, index) => {
        const echo = echoOf(run, index);
        const tokens = entriesOf(answer, run);
        const told = tokens && [...(echo?.tokens ?? []), ...behindPrompt(run, index, tokens)];
        const text = `${echo?.text ?? ''}${answer.text}`;
        return textChoice(index, text, answer.result?.finishReason ?? null, told);
      }),
    ),
  stream: (run, wantsEvents) => chunkStream(run, chunksOf(run), wantsEvents),
};

/** For dialects that put their bodies into these words. */
export const PLAIN_COMPLETIONS: Dialect<CompletionRequest> = {
  ...COMPLETIONS,
  parse: (body, engine, signal) =>
    parseCompletion(
      body,
      engine,
      signal,
      KNOWN.filter((name) => !OWN.includes(name)),
    ),
};

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER */
async function parseCompletion(
  body: unknown,
  engine: ServedEngine,
  signal: AbortSignal,
  known: readonly string[],
): Promise<CompletionRequest> {
  const ignored = new Ignored();
  const given = parseParameters(completionSchema, known, body, ignored);
  const shared = sharedRequest(given);
  const format = readFormat(given, ignored);
  return {
    ...shared,
    kind: 'completion',
    grammar: format && (await accepted(format, engine.preparation, signal)),
    ignored: ignored.names,
    ...(await readAll(given, engine, signal)),
    maxTokens: given.max_tokens ?? DEFAULT_MAX_TOKENS,
    sampling: samplingOf(given, topLogprobsOf(given.logprobs)),
  };
}

/** The prompts, and what is to be told of them. */
async function readAll(
  given: z.output<typeof completionSchema>,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Pick<CompletionRequest, 'prompts' | 'isEcho' | 'promptLogprobs'>> {
  const { prompt, suffix = '', echo: isEcho = false, logprobs, n = 1 } = given;
  if (suffix !== '' && isEcho)
    throw bad('echo is for prompts without a suffix; leave one of them out', 'echo');
  const prompts =
    suffix === ''
      ? await readPrompts(prompt, engine, signal)
      : [await filledIn(prompt, suffix, engine, signal)];
  const promptLogprobs = isEcho ? topLogprobsOf(logprobs) : undefined;
  if (promptLogprobs !== undefined) requireFewNumbers(prompts, n, promptLogprobs);
  return { prompts, isEcho, promptLogprobs };
}

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER where the tokenizer has no marks for it */
function filledIn(
  prefix: unknown,
  suffix: string,
  engine: ServedEngine,
  signal: AbortSignal,
): Promise<Int32Array> {
  if (typeof prefix === 'string') return fimPrompt({ prefix, suffix }, 'suffix', engine, signal);
  throw bad('suffix needs a prompt that is one string', 'suffix');
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

function chunksOf(run: ChoiceRun<CompletionRequest>): ChunkChoices {
  return {
    object: 'text_completion',
    begin: (index) => {
      const echo = echoOf(run, index);
      return echo && textChoice(index, echo.text, null, echo.tokens);
    },
    text: (index, text, entries) =>
      textChoice(index, text, null, entries && behindPrompt(run, index, entries)),
    call: () => undefined,
    end: (index, { finishReason }) => textChoice(index, '', finishReason),
  };
}

function textChoice(
  index: number,
  text: string,
  finishReason: string | null,
  tokens?: readonly ToldToken[],
): unknown {
  return { text, index, logprobs: completionLogprobs(tokens), finish_reason: finishReason };
}
