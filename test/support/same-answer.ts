/**
 * Compares what an engine answers with a reference's greedy ids and logits, under the project's tolerance: the same
 * ids up to the first step whose margin is under 1e-3, logits within 1e-3.
 */
import { expect } from 'vitest';
import type { Engine, GenerateRequest, GenerationResult } from '../../src/index.js';
import { certainSteps, type Expected, largestDifference, LOGIT_TOLERANCE } from './certain-answer.js';

export { certainSteps, type Expected, largestDifference, LOGIT_TOLERANCE, MARGIN } from './certain-answer.js';

/** Runs a request, checks ids and logits, and gives the result for more to be checked. */
export async function expectSameAnswer(
  engine: Engine,
  request: GenerateRequest,
  expected: Expected,
): Promise<GenerationResult> {
  let logits: Float32Array | undefined;
  let result: GenerationResult | undefined;
  for await (const event of engine.generate({ ...request, wantLogits: true })) {
    if (event.type === 'token') logits ??= event.logits;
    if (event.type === 'done') result = event.result;
  }
  expect(largestDifference(logits ?? new Float32Array(), expected.logits)).toBeLessThan(
    expected.tolerance ?? LOGIT_TOLERANCE,
  );
  const steps = Math.min(certainSteps(expected), request.maxTokens ?? Infinity);
  expect(result?.tokenIds.slice(0, steps)).toEqual(expected.ids.slice(0, steps));
  return result as GenerationResult;
}
