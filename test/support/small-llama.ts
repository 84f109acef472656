/**
 * A small Llama layout with room for longer prompts, saved as a checkpoint folder, and prompts for it.
 */
import type { ModelShape } from '../../src/core/shape.js';
import { seededRandom } from '../reference/random.js';
import { randomCheckpoint } from '../reference/random-checkpoint.js';

export const SMALL_LLAMA: ModelShape = {
  architecture: 'llama',
  layers: 3,
  hidden: 32,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  feedForward: 48,
  vocabulary: 61,
  contextTokens: 512,
  norm: 'rms',
  normEpsilon: 1e-5,
  residual: 'sequential',
  sharedNorm: false,
  mlp: 'silu-gated',
  rotaryTheta: 10_000,
  rotaryScaling: { kind: 'none' },
  tiedHead: false,
};
export const SMALL_CHECKPOINT = randomCheckpoint(SMALL_LLAMA, 11);

/** Ids of the small vocabulary. */
export function smallPrompt(tokens: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: tokens }, () => random.below(SMALL_LLAMA.vocabulary));
}
