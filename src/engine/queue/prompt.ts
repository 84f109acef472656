/**
 * From what a request gives (text, ids or messages) to token ids that fit the model.
 */
import { KvrError } from '../../core/errors.js';
import type { LoadedModel } from '../load/load.js';
import type { GenerateSettings } from '../options/options.js';

/** @returns the prompt's ids. @throws BAD_INPUT, PROMPT_TOO_LONG (a prompt is never cut silently) */
export function promptIds(request: GenerateSettings, model: LoadedModel): Int32Array {
  const ids = readPrompt(request, model);
  const { vocabulary, contextTokens } = model.shape;
  if (ids.length === 0)
    throw new KvrError('BAD_INPUT', 'the prompt is empty (0 tokens); give at least one token');
  const unknown = ids.find((id) => id >= vocabulary);
  if (unknown !== undefined) {
    throw new KvrError(
      'BAD_INPUT',
      `token id ${unknown} is not in the model's vocabulary of ${vocabulary}; ids go from 0 to ${vocabulary - 1}`,
    );
  }
  const total = ids.length + request.maxTokens;
  if (total > contextTokens) {
    throw new KvrError(
      'PROMPT_TOO_LONG',
      `prompt of ${ids.length} tokens plus ${request.maxTokens} new ones is ${total}, but the model's context is ${contextTokens}; shorten the prompt or lower the new tokens`,
      { promptTokens: ids.length, maxTokens: request.maxTokens, contextTokens },
    );
  }
  return Int32Array.from(ids);
}

function readPrompt(request: GenerateSettings, { tokenizer }: LoadedModel): readonly number[] {
  const { prompt, promptIds: ids, messages } = request;
  const given = [prompt, ids, messages].filter((each) => each !== undefined).length;
  if (given !== 1)
    throw new KvrError('BAD_INPUT', `give one of prompt, promptIds or messages; ${given} were given`);
  if (ids) return ids;
  if (messages) return tokenizer.applyChat(messages);
  if (prompt === '') throw new KvrError('BAD_INPUT', 'the prompt is empty; give at least one character');
  return tokenizer.encode(prompt ?? '');
}
