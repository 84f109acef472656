/**
 * Errors as Anthropic's clients know them: { "type": "error", "error": { "type", "message" } }.
 */
import { type HttpStatus, httpStatus, isRetryable, type KvrError } from '../../core/errors.js';

/** Long enough for every message of ours; what a library says may be longer. */
const MAX_MESSAGE_CHARS = 600;

const TYPES: Partial<Record<HttpStatus, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

export function errorBody(error: KvrError) {
  const { code, fields, message } = error;
  const { param } = fields;
  const status = httpStatus(code);
  return {
    type: 'error',
    error: {
      type: TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
      message: message.slice(0, MAX_MESSAGE_CHARS),
      // Beyond what Anthropic sends.
      ...{ param: typeof param === 'string' ? param : null, retryable: isRetryable(code) },
    },
  };
}
