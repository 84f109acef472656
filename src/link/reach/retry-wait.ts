/**
 * How long to wait before something that was lost is opened again. Pure.
 */

/** Doubled from the first attempt that failed to the last. */
const FIRST_MS = 100;
const LAST_MS = 1_000;

/** @param failures attempts that have failed in a row, at least 1 */
export function retryWaitMs(failures: number): number {
  return Math.min(LAST_MS, FIRST_MS * 2 ** (failures - 1));
}
