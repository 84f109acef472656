/**
 * Opens a checkpoint by the name a user gives: `synthetic:…`, `quote` or a folder.
 * Knows no file format. Called by the compiler, the engine and the commands.
 */
import type { Checkpoint } from '../core/checkpoint.js';
import { openFolder } from './checkpoint/folder.js';
import { openSynthetic, SYNTHETIC_PREFIX } from './synthetic/index.js';

export type OpenOptions = {
  /** Where digests are remembered and the quote model is kept. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal;
  /** `fraction` goes from 0 to 1 while `what` is done. */
  readonly onProgress?: (fraction: number, what: string) => void;
};

/** @throws MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, BAD_INPUT, CANCELLED, CACHE_UNWRITABLE, DISK_FULL */
export async function openCheckpoint(name: string, options: OpenOptions): Promise<Checkpoint> {
  if (name.startsWith(SYNTHETIC_PREFIX)) return openSynthetic(name);
  return openFolder(name, options);
}
