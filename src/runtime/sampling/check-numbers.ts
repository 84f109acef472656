/**
 * Weights that are NaN, or too large for f32, make logits that are, of which no token can be chosen.
 */
import { KvrError } from '../../core/errors.js';

/** @param logits [vocabulary], or rows of them. @throws BAD_CHECKPOINT */
export function checkNumbers(logits: Float32Array): void {
  // One sum finds them all: f32 numbers never add up to more than f64 holds, and a token that is ruled out has -Infinity.
  const sum = logits.reduce((total, logit) => total + logit, 0);
  if (sum <= Number.MAX_VALUE && logits.some((logit) => logit > -Infinity)) return;
  throw new KvrError(
    'BAD_CHECKPOINT',
    'the model computes numbers that are not finite (NaN or infinity), so no token can be chosen; its weights are damaged: fetch the checkpoint again',
  );
}
