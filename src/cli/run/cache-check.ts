/**
 * Makes sure of the cache folder before anything long is begun: a checkpoint of many gigabytes is not hashed first,
 * only to find that there is no place for what is made of it.
 */
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { cacheFolder } from '../../model/cache/index.js';

/** @param explicit what --cache-dir says. @returns the cache folder, which exists. @throws CACHE_UNWRITABLE */
export async function usableCacheFolder(explicit: string | undefined): Promise<string> {
  const folder = cacheFolder(explicit);
  try {
    await makeFolder(folder);
    // Of a file, this fails: it holds no folder.
    await access(`${folder}${sep}.`, constants.W_OK);
    return folder;
  } catch (error) {
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

/** One folder after the other: the recursive form never ends where a folder exists and takes no folders, as in /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(folder) !== folder && !(await exists(dirname(folder)))) {
      await makeFolder(dirname(folder));
      await makeFolder(folder);
    } else if (code !== 'EEXIST') throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
