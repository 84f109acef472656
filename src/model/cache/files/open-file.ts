/**
 * Two calls on an open file, by its descriptor. A FileHandle has both as methods, but Yarn's Plug'n'Play puts handles of
 * its own in their place (seen in 4.18), and theirs throw. Used by lock and manifest.
 */
import { fsync, futimes } from 'node:fs';
import { promisify } from 'node:util';

/** Waits until what was written is on the disk. */
export const syncFile: (fd: number) => Promise<void> = promisify(fsync);

/** Sets the times of last access and last change. */
export const setFileTimes: (fd: number, atime: Date, mtime: Date) => Promise<void> = promisify(futimes);
