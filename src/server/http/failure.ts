/**
 * The answer to a request that failed: its status, and when to ask again. What the body says is up to the dialect.
 */
import { asKvrError, httpStatus, isRetryable, type KvrError } from '../../core/errors.js';
import type { HttpContext } from './context.js';
import { MAX_RETRY_AFTER_S, RETRY_AFTER_S } from '../requests/settings.js';

export function errorResponse(c: HttpContext, thrown: unknown): Response {
  const error = asKvrError(thrown);
  const status = httpStatus(error.code);
  const { facts } = c.var;
  facts['error'] = error.code;
  // A message may name a value of the request, so only defects of ours, which do not, are written in full.
  if (status >= 500) facts['message'] = error.message;
  if (status === 429 || status === 503) c.header('Retry-After', String(retryAfterS(error)));
  // OpenAI's clients ask again after any status from 500 on, unless they are told that it would end the same.
  c.header('X-Should-Retry', String(isRetryable(error.code)));
  if (status === 401) c.header('WWW-Authenticate', 'Bearer');
  // What is left of a body that was refused unread is not worth reading.
  if (status === 413) c.header('Connection', 'close');
  return c.json(c.var.errorBody(error), status as 500);
}

/** What the engine expects the wait to be, where it has said so. */
function retryAfterS({ fields: { expectedWaitMs } }: KvrError): number {
  if (typeof expectedWaitMs !== 'number' || !(expectedWaitMs > 0)) return RETRY_AFTER_S;
  return Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(expectedWaitMs / 1000)));
}
