/**
 * POST /kvr/warm: reads a prompt ahead of its question, so that its rows are kept when the question comes. A body is that of a chat, or
 * of a completion where it has a prompt; what it says about the answer is checked and does not matter.
 */
import type { ChoiceRun } from '../answers/choice-run.js';
import type { Dialect } from '../answers/dialect.js';
import { bad } from '../requests/refusal.js';
import { CHAT } from '../openai/chat.js';
import { COMPLETIONS } from '../openai/completions.js';

export const WARM: Dialect = {
  idPrefix: 'warm-',
  parse: async (body, engine, signal) => {
    const { parse } = hasPrompt(body) ? COMPLETIONS : CHAT;
    const parsed = await parse(body, engine, signal);
    if (parsed.isStream) throw bad('stream: there is nothing to stream here; leave it out', 'stream');
    const { kind, model, prompts, priority } = parsed;
    return {
      ...{ kind, model, prompts, n: 1, seed: 0, stop: [], sampling: {}, isStream: false, wantsUsage: true },
      maxTokens: 0,
      ...(priority !== undefined && { priority }),
    };
  },
  whole: (run) => ({
    id: run.id,
    object: 'kvr.warm',
    model: run.engine.model.name,
    prompt_tokens: run.promptTokens,
    cached_tokens: run.results.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0),
    ttft_ms: Math.round(slowest(run)),
  }),
  stream: CHAT.stream,
};

function hasPrompt(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'prompt' in body;
}

function slowest({ results }: ChoiceRun): number {
  return Math.max(0, ...results.map(({ ttftMs }) => ttftMs));
}
