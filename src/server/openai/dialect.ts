/**
 * How the two endpoints say the same things: the objects of OpenAI's API that answers and pieces of them are told in.
 */
import type { GenerationResult } from '../../engine/output/generation.js';
import type { Answer, AnswerPart } from './answer.js';
import type { ChoiceRun } from './choice-run.js';
import { chatLogprobs, completionLogprobs, type LogprobEntry } from './logprobs.js';
import type { ServedEngine } from '../requests/settings.js';

export type Dialect = {
  readonly idPrefix: string;
  readonly wholeObject: string;
  readonly chunkObject: string;
  /** The first thing a stream says of a choice; undefined where it says nothing. */
  readonly begin: (index: number) => unknown;
  readonly piece: (index: number, text: string, entries: Entries) => unknown;
  /** What a stream says of a part that is no text: calls of functions, where there are any. */
  readonly callPart: (index: number, part: CallPart) => unknown;
  readonly end: (index: number, result: GenerationResult, answer: Answer) => unknown;
  readonly whole: (index: number, result: GenerationResult, answer: Answer, entries: Entries) => unknown;
};

type CallPart = Exclude<AnswerPart, { type: 'text' }>;

/** Probabilities that belong to a piece or a whole answer; undefined where they were not asked for. */
type Entries = readonly LogprobEntry[] | undefined;

export const CHAT: Dialect = {
  idPrefix: 'chatcmpl-',
  wholeObject: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  begin: (index) => chatDelta(index, { role: 'assistant', content: '' }),
  piece: (index, content, entries) => chatDelta(index, { content }, null, entries),
  callPart: (index, part) => chatDelta(index, { tool_calls: [callDelta(part)] }),
  end: (index, result, answer) => chatDelta(index, {}, reasonOf(result, answer)),
  whole: (index, result, answer, entries) => ({
    index,
    message: { role: 'assistant', refusal: null, ...messageOf(answer) },
    logprobs: chatLogprobs(entries),
    finish_reason: reasonOf(result, answer),
  }),
};

export const COMPLETION: Dialect = {
  idPrefix: 'cmpl-',
  wholeObject: 'text_completion',
  chunkObject: 'text_completion',
  begin: () => undefined,
  piece: (index, text, entries) => textChoice(index, text, null, entries),
  callPart: () => undefined,
  end: (index, { finishReason }) => textChoice(index, '', finishReason),
  whole: (index, { text, finishReason }, _answer, entries) => textChoice(index, text, finishReason, entries),
};

function messageOf({ text, calls }: Answer): object {
  if (calls.length === 0) return { content: text };
  const told = calls.map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.text },
  }));
  return { content: text === '' ? null : text, tool_calls: told };
}

/** The name comes first, then the arguments, bit by bit. */
function callDelta(part: CallPart): object {
  if (part.type === 'arguments') return { index: part.index, function: { arguments: part.text } };
  const { index, id, name } = part.call;
  return { index, id, type: 'function', function: { name, arguments: '' } };
}

/** A call that a stop text has cut is none to be made. */
function reasonOf({ finishReason }: GenerationResult, { calls, isCut }: Answer): string {
  return calls.length > 0 && finishReason === 'stop' && !isCut ? 'tool_calls' : finishReason;
}

function chatDelta(
  index: number,
  delta: object,
  finishReason: string | null = null,
  entries?: Entries,
): unknown {
  return { index, delta, logprobs: chatLogprobs(entries), finish_reason: finishReason };
}

function textChoice(index: number, text: string, finishReason: string | null, entries?: Entries): unknown {
  return { text, index, logprobs: completionLogprobs(entries), finish_reason: finishReason };
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
  return {
    prompt_tokens: ask.promptTokens,
    completion_tokens: completion,
    total_tokens: ask.promptTokens + completion,
    // A prompt that is answered n times is counted once: what its first answer found is what it saved.
    prompt_tokens_details: { cached_tokens: results[0]?.cachedTokens ?? 0 },
  };
}
