/**
 * Anthropic's API: /v1/messages, and how many tokens a message has.
 */
import type { Dialect } from '../answers/dialect.js';
import { answerRoute, noteIgnored } from '../http/answer-route.js';
import { readJson } from '../http/body.js';
import type { HttpContext, ServerContext } from '../http/context.js';
import type { Api } from '../http/route.js';
import { requireServed } from '../model/named-engine.js';
import { errorBody } from './error-body.js';
import { messageStream } from './event-stream.js';
import { wholeMessage } from './message.js';
import { parseMessages } from './request.js';

export const MESSAGES: Dialect = {
  idPrefix: 'msg_',
  parse: parseMessages,
  whole: wholeMessage,
  stream: messageStream,
};

export function anthropicApi(): Api {
  return {
    errorBody,
    routes: [
      answerRoute('/v1/messages', MESSAGES),
      { method: 'POST', path: '/v1/messages/count_tokens', handler: countTokens },
    ],
  };
}

/** @throws as Dialect.parse */
async function countTokens(
  c: HttpContext,
  { engine, settings, budget, running }: ServerContext,
): Promise<Response> {
  const body = await readJson(c, settings.maxBodyBytes, budget);
  const parsed = await running.during(c.req.raw.signal, (signal) => parseMessages(body, engine, signal));
  requireServed(parsed.model, engine, settings);
  noteIgnored(c, parsed.ignored ?? [], settings.isStrict);
  return c.json({ input_tokens: parsed.prompts[0]?.length ?? 0 });
}
