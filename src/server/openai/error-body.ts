/**
 * Errors as OpenAI's clients know them: { "error": { "message", "type", "param", "code" } }, with `retryable`.
 */
import {
  type HttpStatus,
  httpStatus,
  isRetryable,
  type KvrError,
  type KvrErrorCode,
} from '../../core/errors.js';

/** Long enough for every message of ours; what a library says may be longer. */
const MAX_MESSAGE_CHARS = 600;

/** OpenAI's word where clients look for it; ours, in lower case, for all others. */
const CODES: Partial<Record<KvrErrorCode, string>> = {
  PROMPT_TOO_LONG: 'context_length_exceeded',
  UNAUTHORIZED: 'invalid_api_key',
  BUSY: 'rate_limit_exceeded',
};

export function errorBody(error: KvrError) {
  const { code, fields } = error;
  const { param, reason } = fields;
  return {
    error: {
      message: error.message.slice(0, MAX_MESSAGE_CHARS),
      type: typeOf(httpStatus(code)),
      param: typeof param === 'string' ? param : null,
      code: typeof reason === 'string' ? reason : (CODES[code] ?? code.toLowerCase()),
      // Beyond what OpenAI sends: an error in a stream has no status that would tell.
      retryable: isRetryable(code),
    },
  };
}

function typeOf(status: HttpStatus): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
