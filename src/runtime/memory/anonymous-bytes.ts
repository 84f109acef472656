/**
 * What this process has in memory of its own, without the files it maps, such as weights.
 */
import { readFileSync } from 'node:fs';

/** @returns 0 where the system does not tell, which is everywhere but on Linux */
export function anonymousBytes(): number {
  if (process.platform !== 'linux') return 0;
  return 1024 * Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
}
