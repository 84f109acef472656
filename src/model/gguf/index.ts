/**
 * GGUF files as checkpoints. Nothing outside this folder knows the format.
 */
export { nearestDtype } from './kinds/index.js';
export type { KindCounts, NearestDtype } from './kinds/index.js';
export { openGguf } from './open-gguf.js';
