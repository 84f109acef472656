/**
 * Fields that Ollama's answers have, whole and in streams.
 */
import type { GenerationResult } from '../../engine/output/generation.js';
import type { Answer } from '../answers/answer.js';
import type { ChoiceRun } from '../answers/choice-run.js';
import { runTimes } from '../answers/run-times.js';
import { isRecord, parsedJson } from '../tools/json/json.js';

const NS_PER_MS = 1e6;

/** The model under the name that the client has for it. */
export function envelope({ parsed, engine }: Pick<ChoiceRun, 'parsed' | 'engine'>) {
  return { model: parsed.model ?? engine.model.name, created_at: new Date().toISOString() };
}

/** How an answer has ended, with times in nanoseconds. */
export function endFields(result: GenerationResult) {
  const { promptTokens, completionTokens, finishReason } = result;
  const { queueMs, promptMs, decodeMs } = runTimes(result);
  return {
    done: true,
    done_reason: finishReason,
    total_duration: nanoseconds(queueMs + promptMs + decodeMs),
    // The model is there; what a request waits for is its turn.
    load_duration: nanoseconds(queueMs),
    prompt_eval_count: promptTokens,
    prompt_eval_duration: nanoseconds(promptMs),
    eval_count: completionTokens,
    eval_duration: nanoseconds(decodeMs),
  };
}

export function nanoseconds(ms: number): number {
  return Math.round(ms * NS_PER_MS);
}

type AnsweredCall = Answer['calls'][number];

/** Arguments are objects here, so a call that was cut off is none. */
export function callsOf(calls: readonly AnsweredCall[]) {
  return calls.flatMap(({ id, index, name, text }) => {
    const given = text.trim() === '' ? {} : parsedJson(text);
    return isRecord(given) ? [{ id, function: { index, name, arguments: given } }] : [];
  });
}

/** The first and only answer of a run. */
export function answerOf({ answers }: Pick<ChoiceRun, 'answers'>): Answer {
  return answers[0] as Answer;
}
