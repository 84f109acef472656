/** The public part of the tokenizer: text ⇄ ids, streams, chat messages, stop strings. */
export { byteTokenizer } from './byte-tokenizer.js';
export type { ChatMessage, ChatOptions } from './chat-template.js';
export { checkTemplateArgs } from './template/template-args.js';
export type { TemplateArgs } from './template/template-args.js';
export { openTokenizer, tokenizerSource } from './open-tokenizer.js';
export type { TokenizerSource } from './open-tokenizer.js';
export { MAX_STOP_CHARS, MAX_STOP_STRINGS, StopMatcher } from './stop-strings.js';
export type { StopProgress } from './stop-strings.js';
export type { TokenStream } from './token-stream.js';
export { loadTokenizer, MAX_TEXT_CHARS } from './tokenizer.js';
export type { Tokenizer } from './tokenizer.js';
export { TEMPLATE_LIMITS } from './bounds/prompt-limits.js';
export type { TemplateLimits } from './bounds/prompt-limits.js';
export { requireRoom } from './bounds/token-cap.js';
