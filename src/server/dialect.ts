/**
 * How the two endpoints say the same things: the objects of OpenAI's API that answers and pieces of them are told in.
 */
import type { GenerationResult } from '../engine/generation.js';
import type { ChoiceRun } from './choice-run.js';
import type { ServedEngine } from './settings.js';

export type Dialect = {
  readonly idPrefix: string;
  readonly wholeObject: string;
  readonly chunkObject: string;
  /** The first thing a stream says of a choice; undefined where it says nothing. */
  readonly begin: (index: number) => unknown;
  readonly piece: (index: number, text: string) => unknown;
  readonly end: (index: number, result: GenerationResult) => unknown;
  readonly whole: (index: number, result: GenerationResult) => unknown;
};

export const CHAT: Dialect = {
  idPrefix: 'chatcmpl-',
  wholeObject: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  begin: (index) => chatDelta(index, { role: 'assistant', content: '' }),
  piece: (index, content) => chatDelta(index, { content }),
  end: (index, { finishReason }) => chatDelta(index, {}, finishReason),
  whole: (index, { text, finishReason }) => ({
    index,
    message: { role: 'assistant', content: text, refusal: null },
    logprobs: null,
    finish_reason: finishReason,
  }),
};

export const COMPLETION: Dialect = {
  idPrefix: 'cmpl-',
  wholeObject: 'text_completion',
  chunkObject: 'text_completion',
  begin: () => undefined,
  piece: (index, text) => textChoice(index, text, null),
  end: (index, { finishReason }) => textChoice(index, '', finishReason),
  whole: (index, { text, finishReason }) => textChoice(index, text, finishReason),
};

function chatDelta(index: number, delta: object, finishReason: string | null = null): unknown {
  return { index, delta, logprobs: null, finish_reason: finishReason };
}

function textChoice(index: number, text: string, finishReason: string | null): unknown {
  return { text, index, logprobs: null, finish_reason: finishReason };
}

/** Fields that every object of one request has. */
export function envelope(id: string, object: string, createdS: number, { model, settings }: ServedEngine) {
  // Tells when the same seed may give another text: another checkpoint or element type.
  const system_fingerprint = `kvr-${model.digest.slice(0, 12)}-${settings.dtype}`;
  return { id, object, created: createdS, model: model.name, system_fingerprint };
}

/** `usage` of a whole request. */
export function usageOf({ ask, results }: ChoiceRun): unknown {
  const completion = results.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  const cached = results.map((result) => (result as { cachedTokens?: number }).cachedTokens ?? 0);
  return {
    prompt_tokens: ask.promptTokens,
    completion_tokens: completion,
    total_tokens: ask.promptTokens + completion,
    // A prompt that is answered n times is counted once: what its first answer found is what it saved.
    prompt_tokens_details: { cached_tokens: Math.min(ask.promptTokens, cached[0] ?? 0) },
  };
}
