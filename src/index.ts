/** The library: load an engine, generate, close. */
export { Engine, type LoadedModel } from './engine/engine.js';
export type { FinishReason, GenerateEvent, GenerationResult } from './engine/output/generation.js';
export type { Grammar } from './grammar/grammar.js';
export type { EngineOptions } from './engine/options/options.js';
export type { EmbedInput, EmbedRequest, EmbedResult } from './engine/embedding/embed-request.js';
export type { GenerateRequest } from './engine/options/request.js';
export { KvrError, type KvrErrorCode } from './core/errors.js';
export type { RankTimeline, TimelineEvent } from './core/timeline.js';
export type { ModelShape } from './core/shape.js';
export type { Sampling } from './core/sampling.js';
