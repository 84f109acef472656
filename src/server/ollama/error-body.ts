/**
 * Errors as Ollama's clients know them: { "error": "…" }.
 */
import type { KvrError } from '../../core/errors.js';

/** Long enough for every message of ours; what a library says may be longer. */
const MAX_MESSAGE_CHARS = 600;

export function errorBody(error: KvrError) {
  return { error: error.message.slice(0, MAX_MESSAGE_CHARS) };
}
