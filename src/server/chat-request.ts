/**
 * The body of POST /v1/chat/completions → what is asked of the engine.
 */
import { z } from 'zod';
import { MAX_TOP_LOGPROBS } from '../core/sampling.js';
import { readResponseFormat } from './response-format.js';
import type { Ask } from './ask.js';
import { makeAsk } from './ask.js';
import { readMessages } from './messages.js';
import { bad, parseParameters, sharedShape } from './parameters.js';
import type { ServedEngine, ServerSettings } from './settings.js';

const chatSchema = z.strictObject({
  ...sharedShape,
  messages: z.unknown(),
  /** The newer name of max_tokens. */
  max_completion_tokens: sharedShape.max_tokens,
  response_format: z.unknown().optional(),
  logprobs: z.boolean().optional(),
  top_logprobs: z.number().int().min(0).max(MAX_TOP_LOGPROBS).optional(),
});

/** @throws BAD_INPUT, UNSUPPORTED_PARAMETER, PROMPT_TOO_LONG, NOT_FOUND */
export function readChat(
  body: unknown,
  deadlineMs: number,
  engine: ServedEngine,
  settings: ServerSettings,
): Ask {
  const given = parseParameters(chatSchema, Object.keys(chatSchema.shape), body);
  const { max_tokens, max_completion_tokens } = given;
  if (max_tokens !== undefined && max_completion_tokens !== undefined && max_tokens !== max_completion_tokens)
    throw bad('max_tokens and max_completion_tokens differ; give one of them', 'max_completion_tokens');
  const ids = engine.model.tokenizer.applyChat(readMessages(given.messages));
  const maxTokens = max_completion_tokens ?? max_tokens;
  const topLogprobs = topLogprobsOf(given);
  const grammar = readResponseFormat(given.response_format);
  return makeAsk(
    { kind: 'chat', prompts: [ids], given, maxTokens, deadlineMs, topLogprobs, grammar },
    engine,
    settings,
  );
}

/** @throws BAD_INPUT */
function topLogprobsOf({ logprobs, top_logprobs }: z.output<typeof chatSchema>): number | undefined {
  if (logprobs) return top_logprobs ?? 0;
  if (top_logprobs)
    throw bad('top_logprobs is for logprobs; set logprobs to true, or leave it out', 'top_logprobs');
  return undefined;
}
