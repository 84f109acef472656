/**
 * An answer as a message of Anthropic's API: its blocks, why it ended, and what it took.
 */
import type { Answer } from '../answers/answer.js';
import type { AnswerBlock } from '../answers/blocks.js';
import type { ChoiceRun } from '../answers/choice-run.js';
import { isRecord, parsedJson } from '../tools/json/json.js';

/** Clients send thinking back only where it is signed. Nobody here looks at it. */
export const SIGNATURE = 'unsigned';

/** The document of a run that has ended. */
export function wholeMessage(run: ChoiceRun): unknown {
  const [answer] = run.answers;
  return {
    ...envelope(run),
    content: answer?.blocks.map(contentBlock) ?? [],
    ...(answer && stopOf(answer)),
    usage: usageOf(run),
  };
}

/** Of a message that has not begun yet. */
export function envelope({ id, engine }: ChoiceRun) {
  return {
    ...{ id, type: 'message', role: 'assistant', model: engine.model.name },
    ...{ content: [] as unknown[], stop_reason: null, stop_sequence: null },
  };
}

/** @param block whole, or without text as it begins */
export function contentBlock(block: AnswerBlock): object {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text };
    case 'reasoning':
      return { type: 'thinking', thinking: block.text, signature: block.text === '' ? '' : SIGNATURE };
    case 'call': {
      const { id, name, text } = block;
      const input = parsedJson(text);
      // Arguments that were cut off, or written badly, are no object; the reason of the end tells.
      return { type: 'tool_use', id, name, input: isRecord(input) ? input : {} };
    }
  }
}

/** Clients make the calls of an answer that ends with 'tool_use', so a call that was cut off must not end so. */
export function stopOf({ result, calls, isCut }: Answer) {
  const { finishReason, stopString } = result ?? {};
  if (finishReason === 'length') return { stop_reason: 'max_tokens', stop_sequence: null };
  if (stopString !== undefined) return { stop_reason: 'stop_sequence', stop_sequence: stopString };
  const isCall = calls.length > 0 && !isCut;
  return { stop_reason: isCall ? 'tool_use' : 'end_turn', stop_sequence: null };
}

/** Tokens that were read from the cache are counted apart. */
export function usageOf({ promptTokens, results: [result] }: ChoiceRun) {
  const cached = result?.cachedTokens ?? 0;
  return {
    input_tokens: promptTokens - cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: result?.completionTokens ?? 0,
    service_tier: 'standard',
  };
}
