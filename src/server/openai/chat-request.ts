/**
 * The body of POST /v1/chat/completions → what is asked of the engine.
 */
import { z } from 'zod';
import { MAX_TOP_LOGPROBS } from '../../core/sampling.js';
import { readResponseFormat } from './response-format.js';
import type { ChatMessage, Tokenizer } from '../../tokenizer/index.js';
import type { ParsedRequest } from './parsed-request.js';
import { makeAsk } from './parsed-request.js';
import { readMessages } from './messages.js';
import { readTools, toolShape } from './tools.js';
import { formatOf } from '../tools/tool-formats.js';
import { bad, parseParameters, unsupported, sharedShape } from '../http/parameters.js';
import type { ServedEngine, ServerSettings } from '../requests/settings.js';

const chatSchema = z.strictObject({
  ...sharedShape,
  messages: z.unknown(),
  /** The newer name of max_tokens. */
  max_completion_tokens: sharedShape.max_tokens,
  ...toolShape,
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
): ParsedRequest {
  const given = parseParameters(chatSchema, Object.keys(chatSchema.shape), body);
  const { max_tokens, max_completion_tokens } = given;
  if (max_tokens !== undefined && max_completion_tokens !== undefined && max_tokens !== max_completion_tokens)
    throw bad('max_tokens and max_completion_tokens differ; give one of them', 'max_completion_tokens');
  const { tokenizer } = engine.model;
  const textFormat = readResponseFormat(given.response_format);
  const toolUse = readTools(given, textFormat, tokenizer);
  const messages = readMessages(given.messages);
  if (!toolUse) requireNoCalls(messages, tokenizer);
  const ids = tokenizer.applyChat(messages, toolUse && { tools: toolUse.tools });
  const maxTokens = max_completion_tokens ?? max_tokens;
  const topLogprobs = topLogprobsOf(given);
  const grammar = toolUse ? toolUse.grammar : textFormat;
  return makeAsk(
    { kind: 'chat', prompts: [ids], given, maxTokens, deadlineMs, topLogprobs, grammar, toolUse },
    engine,
    settings,
  );
}

/** Earlier calls and their results would be left out by a template that does not know them. @throws UNSUPPORTED_PARAMETER */
function requireNoCalls(messages: readonly ChatMessage[], { toolTemplate = '' }: Tokenizer): void {
  const index = messages.findIndex(({ role, tool_calls: calls }) => role === 'tool' || calls !== undefined);
  if (index < 0 || formatOf(toolTemplate)) return;
  throw unsupported(
    `messages.${index}`,
    'is about tools, which the chat template of this model does not know',
  );
}

/** @throws BAD_INPUT */
function topLogprobsOf({ logprobs, top_logprobs }: z.output<typeof chatSchema>): number | undefined {
  if (logprobs) return top_logprobs ?? 0;
  if (top_logprobs)
    throw bad('top_logprobs is for logprobs; set logprobs to true, or leave it out', 'top_logprobs');
  return undefined;
}
