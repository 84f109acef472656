/**
 * Turns what the operating system says about the cache into what a user can do about it.
 */
import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { firstLine, KvrError } from '../../core/errors.js';
import { isErrno } from './files/errno.js';
import { finishedBytes } from './manifest.js';

const UNWRITABLE = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST',
  'ENOENT',
  'ELOOP',
  'ENAMETOOLONG',
] as const;
const FULL = ['ENOSPC', 'EDQUOT'] as const;
/** How many folders to delete a message proposes. */
const PROPOSED_FOLDERS = 3;

/** @returns CACHE_UNWRITABLE or DISK_FULL for errors about the cache, and every other error as it is. */
export async function cacheError(error: unknown, cacheFolder: string): Promise<unknown> {
  if (error instanceof KvrError || !(error instanceof Error)) return error;
  // Native libraries that write files only have words for it.
  if (isErrno(error, ...FULL) || error.message.includes('No space left on device')) {
    return diskFull(error, cacheFolder);
  }
  if (isErrno(error, ...UNWRITABLE) && concerns(error, cacheFolder)) return unwritable(error, cacheFolder);
  return error;
}

/** Whether the error is about a place in the cache, or on the way to it; builders read other places too. */
function concerns({ path }: NodeJS.ErrnoException, cacheFolder: string): boolean {
  return path === undefined || path.startsWith(cacheFolder) || cacheFolder.startsWith(path);
}

function unwritable(error: Error, cacheFolder: string): KvrError {
  const message = `the cache ${cacheFolder} can not be written (${firstLine(error.message)}); change its rights, or choose another folder with --cache-dir or KVR_CACHE_DIR`;
  return new KvrError('CACHE_UNWRITABLE', message, { path: cacheFolder }, error);
}

async function diskFull(error: Error, cacheFolder: string): Promise<KvrError> {
  const { bavail, bsize } = await statfs(cacheFolder);
  const largest = await largestFolders(cacheFolder);
  const proposal =
    largest.length > 0 ? `delete what is not needed (${largest.join(', ')})` : 'free space there';
  const message = `no room left in the cache ${cacheFolder}, ${megabytes(bavail * bsize)} are free without the unfinished files; ${proposal}, or choose another folder with --cache-dir or KVR_CACHE_DIR`;
  return new KvrError('DISK_FULL', message, { path: cacheFolder }, error);
}

async function largestFolders(cacheFolder: string): Promise<string[]> {
  const sizes: { name: string; bytes: number }[] = [];
  for (const entry of await readdir(cacheFolder, { withFileTypes: true })) {
    const bytes = entry.isDirectory() ? await finishedBytes(join(cacheFolder, entry.name)) : undefined;
    if (bytes !== undefined) sizes.push({ name: entry.name, bytes });
  }
  sizes.sort((a, b) => b.bytes - a.bytes);
  return sizes.slice(0, PROPOSED_FOLDERS).map(({ name, bytes }) => `${name}: ${megabytes(bytes)}`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
