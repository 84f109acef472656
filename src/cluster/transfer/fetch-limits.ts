/**
 * Whether a machine may fetch a model: its user may have forbidden it, or its disk may be full.
 */
import { statfs } from 'node:fs/promises';
import { KvrError } from '../../core/errors.js';
import { compiledModels } from '../../model/compiled-models.js';
import type { Offer } from './messages.js';

export type FetchLimits = {
  /** False where only what is in the cache may be used. */
  readonly mayFetch: boolean;
  /** Of all compiled models in the cache together, this one included. */
  readonly maxCacheBytes?: number | undefined;
};

/** For the file system's own tables, and so that other programs go on. */
const SPARE_BYTES = 64e6;

/** @param cache need not exist. @throws BAD_INPUT, DISK_FULL */
export async function checkFetch({ model, files }: Offer, cache: string, limits: FetchLimits): Promise<void> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const what = `${model} (${megabytes(bytes)}) is not in the cache of this machine`;
  if (!limits.mayFetch) throw new KvrError('BAD_INPUT', `${what}, and --no-fetch forbids to fetch it`);
  const { maxCacheBytes = Infinity } = limits;
  const there = (await compiledModels(cache)).reduce((sum, each) => sum + each.bytes, 0);
  if (there + bytes > maxCacheBytes)
    throw new KvrError(
      'BAD_INPUT',
      `${what}, where others take ${megabytes(there)}, and --max-cache allows ${megabytes(maxCacheBytes)}; remove some (kvr models), or allow more`,
    );
  const { bavail, bsize } = await statfs(cache);
  if (bytes + SPARE_BYTES > bavail * bsize)
    throw new KvrError('DISK_FULL', `${what}, and there is room for ${megabytes(bavail * bsize)}`, {
      path: cache,
    });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
