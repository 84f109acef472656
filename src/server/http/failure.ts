/**
 * Errors as OpenAI's clients know them: { "error": { "message", "type", "param", "code" } } with a status.
 */
import {
  asKvrError,
  type HttpStatus,
  httpStatus,
  type KvrError,
  type KvrErrorCode,
} from '../../core/errors.js';
import type { HttpContext } from './context.js';
import { MAX_RETRY_AFTER_S, RETRY_AFTER_S } from '../requests/settings.js';

export type ErrorBody = {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
};

/** Long enough for every message of ours; what a library says may be longer. */
const MAX_MESSAGE_CHARS = 600;

/** OpenAI's word where clients look for it; ours, in lower case, for all others. */
const CODES: Partial<Record<KvrErrorCode, string>> = {
  PROMPT_TOO_LONG: 'context_length_exceeded',
  UNAUTHORIZED: 'invalid_api_key',
  BUSY: 'rate_limit_exceeded',
};

export function errorBody(error: KvrError): ErrorBody {
  const { code, fields } = error;
  const { param, reason } = fields;
  return {
    error: {
      message: error.message.slice(0, MAX_MESSAGE_CHARS),
      type: typeOf(httpStatus(code)),
      param: typeof param === 'string' ? param : null,
      code: typeof reason === 'string' ? reason : (CODES[code] ?? code.toLowerCase()),
    },
  };
}

export function errorResponse(c: HttpContext, thrown: unknown): Response {
  const error = asKvrError(thrown);
  const status = httpStatus(error.code);
  const { facts } = c.var;
  facts['error'] = error.code;
  // A message may name a value of the request, so only defects of ours, which do not, are written in full.
  if (status >= 500) facts['message'] = error.message;
  if (status === 429 || status === 503) c.header('Retry-After', String(retryAfterS(error)));
  // OpenAI's clients ask again after any status from 500 on, where they are not told that it would end the same.
  if (status === 500 || status === 504) c.header('X-Should-Retry', 'false');
  if (status === 401) c.header('WWW-Authenticate', 'Bearer');
  // What is left of a body that was refused unread is not worth reading.
  if (status === 413) c.header('Connection', 'close');
  return c.body(JSON.stringify(errorBody(error)), status as 500, { 'Content-Type': 'application/json' });
}

/** What the engine expects the wait to be, where it has said so. */
function retryAfterS({ fields: { expectedWaitMs } }: KvrError): number {
  if (typeof expectedWaitMs !== 'number' || !(expectedWaitMs > 0)) return RETRY_AFTER_S;
  return Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(expectedWaitMs / 1000)));
}

function typeOf(status: HttpStatus): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
