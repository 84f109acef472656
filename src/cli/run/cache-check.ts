/**
 * Checks the cache folder before any long step: otherwise a checkpoint of many gigabytes is hashed first, only to find
 * that the result can not be stored.
 */
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { cacheFolder, finishedBytes, makeFolder } from '../../model/cache/index.js';

/**
 * A cache that can not be written but holds models may hold the one that is asked for, and is let through.
 * @param explicit what --cache-dir says
 * @returns the cache folder, which exists
 * @throws CACHE_UNWRITABLE
 */
export async function usableCacheFolder(explicit: string | undefined): Promise<string> {
  const folder = cacheFolder(explicit);
  try {
    await makeFolder(folder);
    // Fails where the path is a file.
    await access(`${folder}${sep}.`, constants.W_OK);
    return folder;
  } catch (error) {
    if (await holdsModels(folder)) return folder;
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = 'change its rights, or choose another folder with --cache-dir or KVR_CACHE_DIR';
    throw new KvrError(
      'CACHE_UNWRITABLE',
      `the cache ${folder} can not be written (${reason}); ${remedy}`,
      {},
      error,
    );
  }
}

/** Whatever keeps the folder from being read is told as what kept it from being written. */
async function holdsModels(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) => finishedBytes(join(folder, name)).catch(() => undefined)),
  );
  return sizes.some((bytes) => bytes !== undefined);
}
