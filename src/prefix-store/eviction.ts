/**
 * Which files have to go when the folder is over its bound: those used longest ago. Pure.
 */
export type StoredFile = { readonly path: string; readonly bytes: number; readonly usedMs: number };

/** Some room at once, so that not every block that is written has the folder read. */
const SHARE_KEPT = 0.95;

export function filesToRemove(files: readonly StoredFile[], limitBytes: number): StoredFile[] {
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= limitBytes) return [];
  const oldestFirst = [...files].sort((a, b) => a.usedMs - b.usedMs);
  return oldestFirst.filter((file) => {
    if (bytes <= limitBytes * SHARE_KEPT) return false;
    bytes -= file.bytes;
    return true;
  });
}

/**
 * When a block counts as used: of blocks used together the later ones in the text are the older, since without those before it a block
 * is of no use.
 */
export function usedMsOf(nowMs: number, block: number): number {
  return nowMs - block;
}
