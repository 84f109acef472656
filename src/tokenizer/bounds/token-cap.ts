/**
 * Refuses a text that certainly has more tokens than a prompt may have, before any work. Called by tokenizers.
 */
import { promptTooLong } from './prompt-limits.js';

/** @param tokenChars most characters that one token stands for. @throws PROMPT_TOO_LONG */
export function requireRoom(text: string, tokenChars: number | undefined, maxTokens: number): void {
  if (tokenChars === undefined) return;
  const least = Math.ceil(text.length / tokenChars);
  if (least > maxTokens) throw promptTooLong(least, maxTokens);
}
