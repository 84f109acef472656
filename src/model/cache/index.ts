/**
 * The cache folder: where it is, what may be put there and how. See publish for the promises it keeps.
 */
export { cacheFolder } from './cache-folder.js';
export { digestOfFiles } from './digest.js';
export type { DigestOptions } from './digest.js';
export { findDamage } from './folder-check.js';
export { readKept, tryWriteKept, writeKept } from './files/kept-json.js';
export type { OnDamage } from './files/kept-json.js';
export type { LockHolder } from './lock.js';
export { makeFolder } from './files/make-folder.js';
export { finishedBytes, type ManifestFiles, readManifest as readFileList } from './manifest.js';
export { BLOCK_BYTES, fileDigest, GrowingDigest } from './files/file-digest.js';
export { publishSound } from './publish-sound.js';
export { discardFolder, publishFolder } from './publish.js';
export { damageWords } from './publish-sound.js';
export type { PublishOptions } from './publish.js';
export { writeAtomically } from './files/write-atomically.js';
