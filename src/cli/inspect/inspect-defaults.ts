/** What memory is predicted for where no flag says it. */

/** Prompt tokens, where the model takes as many. */
export const DEFAULT_CONTEXT_TOKENS = 4096;
export const DEFAULT_NEW_TOKENS = 256;
