/**
 * What the file system tells of a file without reading it. Whoever writes to a file changes these facts; a disk that loses
 * bits does not.
 */
import type { BigIntStats } from 'node:fs';

/** A file changed this lately might change again within one tick of the file system's clock, unseen. */
const SETTLED_MS = 2000;

/** Equal texts mean that nobody wrote to the file in between, if it was settled. */
export function factsText({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [ino, size, mtimeNs, ctimeNs].join('\n');
}

/** @returns false where a later change could leave the same facts */
export function isSettled({ mtimeMs }: Pick<BigIntStats, 'mtimeMs'>, nowMs: number): boolean {
  return nowMs - Number(mtimeMs) >= SETTLED_MS;
}
