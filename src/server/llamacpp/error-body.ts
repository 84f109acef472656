/**
 * Errors as llama.cpp's clients know them: { "error": { "code", "message", "type" } }, the code being the status.
 */
import { httpStatus, type KvrError, type KvrErrorCode } from '../../core/errors.js';

/** Long enough for every message of ours; what a library says may be longer. */
const MAX_MESSAGE_CHARS = 600;

const TYPES: Partial<Record<KvrErrorCode, string>> = {
  PROMPT_TOO_LONG: 'exceed_context_size_error',
  UNAUTHORIZED: 'authentication_error',
  FORBIDDEN: 'permission_error',
  NOT_FOUND: 'not_found_error',
  UNSUPPORTED_PARAMETER: 'not_supported_error',
  BUSY: 'unavailable_error',
  CLOSED: 'unavailable_error',
};

export function errorBody({ code, message, fields }: KvrError) {
  const status = httpStatus(code);
  const { promptTokens, contextTokens } = fields;
  return {
    error: {
      code: status,
      message: message.slice(0, MAX_MESSAGE_CHARS),
      type: TYPES[code] ?? (status < 500 ? 'invalid_request_error' : 'server_error'),
      ...(code === 'PROMPT_TOO_LONG' && { n_prompt_tokens: promptTokens, n_ctx: contextTokens }),
    },
  };
}
