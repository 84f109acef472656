/**
 * GGUF files as checkpoints. Nothing outside this folder knows the format.
 */
export { nearestDtype } from './kinds/nearest-dtype.js';
export type { KindCounts, NearestDtype } from './kinds/nearest-dtype.js';
export { GGUF_ENDING, openGguf } from './open-gguf.js';
