/**
 * A Llama layout that is small to compile and start, with room for prompts and answers that go on for long: read in small
 * chunks, a prompt is some thousand kernel calls over eight layers, so that much of it is left at its first step.
 */
import type { ModelShape } from '../../src/core/shape.js';
import { randomCheckpoint } from '../reference/random-checkpoint.js';
import { TINY_LLAMA } from '../reference/shapes.js';
import { saveHfFolder } from './hf-folder.js';

export const LONG_LLAMA: ModelShape = { ...TINY_LLAMA, layers: 8, contextTokens: 65_536 };
/** Small chunks: more steps of a prompt to stop it between. */
export const LONG_CHUNK_TOKENS = 16;

/** Creates the folder. @param layers fewer where a prompt need not take long */
export function saveLongLlama(folder: string, layers = LONG_LLAMA.layers): Promise<void> {
  return saveHfFolder(randomCheckpoint({ ...LONG_LLAMA, layers }, 17), folder);
}

export function longPrompt(tokens: number): number[] {
  return Array.from({ length: tokens }, (_, index) => (index * 37) % LONG_LLAMA.vocabulary);
}
