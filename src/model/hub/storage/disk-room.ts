/**
 * Whether what is to be fetched fits on the disk.
 */
import { statfs } from 'node:fs/promises';
import { KvrError } from '../../../core/errors.js';

/** For the file system's own tables, and so that other programs go on. */
const SPARE_BYTES = 64e6;

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** @throws DISK_FULL */
export function checkRoom(
  needs: { readonly fetchBytes: number; readonly freeBytes: number },
  folder: string,
): void {
  if (needs.fetchBytes === 0 || needs.fetchBytes + SPARE_BYTES <= needs.freeBytes) return;
  const message = `${gigabytes(needs.fetchBytes)} are to be fetched, and ${folder} has room for ${gigabytes(needs.freeBytes)}; free space there, or choose another disk with HF_HUB_CACHE`;
  throw new KvrError('DISK_FULL', message, { path: folder, ...needs });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`;
}
