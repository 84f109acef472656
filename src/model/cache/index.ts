/**
 * The cache folder: where it is, what may be put there and how. See publish for the promises it keeps.
 */
export { cacheFolder } from './cache-folder.js';
export { digestOfFiles } from './digest.js';
export type { DigestOptions } from './digest.js';
export type { LockHolder } from './lock.js';
export { makeFolder } from './make-folder.js';
export { publishFolder } from './publish.js';
export type { PublishOptions } from './publish.js';
export { writeAtomically } from './write-atomically.js';
