/**
 * A small Llama layout with room for longer prompts, saved as a checkpoint folder, and prompts for it.
 */
import type { ModelShape } from '../../src/core/shape.js';
import { seededRandom } from '../reference/random.js';
import { randomCheckpoint } from '../reference/random-checkpoint.js';
import { TINY_LLAMA } from '../reference/shapes.js';

export const SMALL_LLAMA: ModelShape = { ...TINY_LLAMA, layers: 3, contextTokens: 512 };
export const SMALL_CHECKPOINT = randomCheckpoint(SMALL_LLAMA, 11);

/** Ids of the small vocabulary. */
export function smallPrompt(tokens: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: tokens }, () => random.below(SMALL_LLAMA.vocabulary));
}
