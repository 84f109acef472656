/**
 * Waits for what a test expects to happen, however long the machine takes for it.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** No bound on speed: it only turns a wait that would never end into a failure that names it. */
export const HANG_LIMIT_MS = 300_000;
const LOOK_AGAIN_MS = 5;

/** @throws when `condition` still does not hold after HANG_LIMIT_MS */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const startMs = performance.now(); !(await condition()); await delay(LOOK_AGAIN_MS)) {
    if (performance.now() - startMs > HANG_LIMIT_MS) throw new Error(`waited in vain for ${what}`);
  }
}
