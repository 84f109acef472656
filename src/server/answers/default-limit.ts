/**
 * For APIs whose completions have no limit unless one is given: OpenAI's default of 16 tokens is that endpoint's alone.
 */
import { inOneSpelling } from '../parameters/aliases.js';
import { Ignored, isNothing } from '../parameters/read.js';
import type { ParsedRequest } from './parsed-request.js';

/** @param asked the body in the words of OpenAI's completions, in whichever spelling of the limit */
export function withoutDefaultLimit(
  parsed: ParsedRequest,
  asked: Readonly<Record<string, unknown>>,
): ParsedRequest {
  const isLimited = !isNothing(inOneSpelling(asked, new Ignored())['max_tokens']);
  return isLimited ? parsed : { ...parsed, maxTokens: undefined };
}
