/**
 * Opens a checkpoint by the name a user gives: `synthetic:…`, `quote`, a GGUF file, a folder, or `ORG/NAME` in the hub's cache.
 * Knows no file format, and no network. Called by the compiler, the engine and the commands.
 */
import type { Checkpoint } from '../core/checkpoint.js';
import type { OnDamage } from './cache/files/kept-json.js';
import { publishSound } from './cache/publish-sound.js';
import { openFolder } from './open-folder.js';
import { findSnapshot } from './hub/find-snapshot.js';
import { parseHubName } from './hub/names/names.js';
import { hubCacheFolder } from './hub/names/settings.js';
import { isThere } from './hub/storage/cache-layout.js';
import { QUOTE_VERSION, writeQuoteCheckpoint } from './quote/index.js';
import { openSynthetic, SYNTHETIC_PREFIX } from './synthetic/index.js';

/** The model that ships with the package; a folder of that name is opened as ./quote. */
const QUOTE = 'quote';
const GGUF_ENDING = '.gguf';

export type OpenOptions = {
  /** Where digests are remembered, and the quote model and the tokenizers of GGUF files are kept. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal;
  /** `fraction` goes from 0 to 1 while `what` is done. */
  readonly onProgress?: (fraction: number, what: string) => void;
  /** Called where the quote model or a tokenizer in the cache is damaged, and so written again. */
  readonly onDamage?: OnDamage;
};

/** @throws MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, BAD_INPUT, CANCELLED, CACHE_UNWRITABLE, DISK_FULL */
export async function openCheckpoint(name: string, options: OpenOptions): Promise<Checkpoint> {
  if (name.startsWith(SYNTHETIC_PREFIX)) return openSynthetic(name);
  if (name === QUOTE) return openQuote(options);
  const path = await pathOf(name);
  if (path.toLowerCase().endsWith(GGUF_ENDING)) {
    // Loaded where it is needed, so that starts with other models do not pay for it.
    const { openGguf } = await import('./gguf/index.js');
    return openGguf(path, { ...options, name });
  }
  return openFolder(path, { ...options, name });
}

/** What is there under the name itself goes before the hub's cache. @throws MODEL_NOT_FOUND naming the command that fetches it */
async function pathOf(name: string): Promise<string> {
  const hubName = parseHubName(name);
  if (!hubName || (await isThere(name))) return name;
  return findSnapshot(hubName, hubCacheFolder());
}

/** The quote model is computed, once, into the cache, and is a folder like any other from then on. */
async function openQuote(options: OpenOptions): Promise<Checkpoint> {
  const folder = await publishSound({
    cacheFolder: options.cacheFolder,
    key: `${QUOTE}-v${QUOTE_VERSION}`,
    build: (temporaryFolder) => writeQuoteCheckpoint(temporaryFolder),
    ...(options.signal && { signal: options.signal }),
    ...(options.onDamage && { onDamage: options.onDamage }),
  });
  return openFolder(folder, { ...options, name: QUOTE });
}
