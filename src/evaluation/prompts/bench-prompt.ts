/**
 * Prompts for measurements: token ids, the same for every strategy and every run with the same seed. Speed does not
 * depend on which ids they are.
 */
import { seededRandom } from '../../core/random.js';

/** @returns ids in [0, vocabulary); a shorter prompt is the beginning of a longer one */
export function benchPrompt(contextTokens: number, vocabulary: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: contextTokens }, () => Math.floor(random() * vocabulary));
}
