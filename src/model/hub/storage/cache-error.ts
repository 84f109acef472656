/**
 * Turns what the operating system says about the hub's cache into what a user can do about it.
 */
import { firstLine, KvrError } from '../../../core/errors.js';
import { isErrno } from '../../cache/files/errno.js';

const UNWRITABLE = [
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
] as const;
const REMEDY = 'or choose another folder with HF_HUB_CACHE';

/** @returns CACHE_UNWRITABLE or DISK_FULL for errors about the cache, and every other error as it is. */
export function hubCacheError(error: unknown, cache: string): unknown {
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    const message = `no room left in ${cache}; what has arrived is kept: free space there, ${REMEDY}`;
    return new KvrError('DISK_FULL', message, { path: cache }, error);
  }
  if (!isErrno(error, ...UNWRITABLE)) return error;
  const message = `the hub's cache ${cache} can not be written (${firstLine(error.message)}); change its rights, ${REMEDY}`;
  return new KvrError('CACHE_UNWRITABLE', message, { path: cache }, error);
}
