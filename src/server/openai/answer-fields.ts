/**
 * Fields that the answers of both endpoints have.
 */
import type { ChoiceRun } from '../answers/choice-run.js';

/** Of a whole answer, and of every chunk of a stream. */
export function envelope({ id, engine }: ChoiceRun, object: string, createdS: number) {
  const { model, settings } = engine;
  // Tells when the same seed may give another text: another checkpoint or element type.
  const system_fingerprint = `kvr-${model.digest.slice(0, 12)}-${settings.dtype}`;
  return { id, object, created: createdS, model: model.name, system_fingerprint };
}

/** `usage` of a whole request. */
export function usageOf({ promptTokens, results, answers, parsed }: ChoiceRun) {
  const completion = results.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    // A prompt that is answered n times is counted once: what its first answer found is what it saved.
    prompt_tokens_details: { cached_tokens: results[0]?.cachedTokens ?? 0 },
    ...(parsed.reasoning && {
      completion_tokens_details: {
        reasoning_tokens: answers.reduce((sum, answer) => sum + answer.reasoningTokens, 0),
      },
    }),
  };
}

/** The document of a run that has ended. @param choices one for each answer */
export function wholeDocument(run: ChoiceRun, object: string, choices: readonly unknown[]): unknown {
  return { ...envelope(run, object, nowS()), choices, usage: usageOf(run) };
}

export function nowS(): number {
  return Math.floor(Date.now() / 1000);
}
