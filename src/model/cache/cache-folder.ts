/**
 * Where compiled models, the quote model and digests are kept.
 */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param explicit what --cache-dir says
 * @returns an absolute path: `explicit`, else KVR_CACHE_DIR, else kv-runahead below XDG_CACHE_HOME, else below
 *   ~/.cache. It need not exist. Empty texts count as absent, and a relative XDG_CACHE_HOME too, as its standard asks.
 */
export function cacheFolder(explicit?: string, environment: Environment = process.env): string {
  const named = explicit || environment['KVR_CACHE_DIR'];
  if (named) return resolve(named);
  const shared = environment['XDG_CACHE_HOME'];
  return join(shared && isAbsolute(shared) ? shared : join(homedir(), '.cache'), 'kv-runahead');
}
