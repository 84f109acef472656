/**
 * Makes folders in the cache so that they are there whole or not at all, and made once however many
 * processes ask: built under another name, listed, put on the disk, renamed. Knows nothing of what is in
 * them. Called by the compiler and, for the quote model, by model/open.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KvrError } from '../../core/errors.js';
import { cacheError } from './cache-error.js';
import { isErrno } from './files/errno.js';
import { tryLock } from './lock.js';
import type { OnDamage } from './files/kept-json.js';
import { exists, makeFolder } from './files/make-folder.js';
import type { LockHolder } from './lock.js';
import { finishedBytes, flush, writeManifest } from './manifest.js';
import { isAlive } from './process-alive.js';

/** How often a process that waits for another's work looks again. */
const LOCK_POLL_MS = 100;
/** File systems take names of 255 bytes; the rest is room for what is added to the name while building. */
const KEY = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,159}$/;

export type PublishOptions = {
  readonly cacheFolder: string;
  /** Name of the folder in the cache: letters, digits, `.`, `_` and `-`; equal keys mean equal contents. */
  readonly key: string;
  /** Fills an empty folder; what it throws is thrown on, and the folder is removed. */
  build(temporaryFolder: string, signal: AbortSignal): Promise<void>;
  /** Called once where another process is found at work on the same folder. */
  readonly onWait?: (holder: LockHolder) => void;
  /** Called once where the folder is there, but not whole: it is built again. */
  readonly onDamage?: OnDamage;
  readonly signal?: AbortSignal;
};

/**
 * @returns the path of the finished folder of `key`, at once where it is there and whole.
 * @throws CACHE_UNWRITABLE, DISK_FULL, CANCELLED, and what `build` throws
 */
export async function publishFolder(options: PublishOptions): Promise<string> {
  const { cacheFolder, key, signal = new AbortController().signal } = options;
  if (!KEY.test(key)) throw new KvrError('INTERNAL', `"${key}" is no name for a folder in the cache`);
  try {
    return await findOrBuild(options, signal);
  } catch (error) {
    const known = await cacheError(error, cacheFolder);
    // What a builder throws because it was told to stop says less than that it was told so.
    throw signal.aborted && !(known instanceof KvrError) ? cancelled(key, error) : known;
  }
}

async function findOrBuild(options: PublishOptions, signal: AbortSignal): Promise<string> {
  const { cacheFolder, key } = options;
  const folder = join(cacheFolder, key);
  let hasWaited = false;
  let hasTold = false;
  while ((await finishedBytes(folder)) === undefined) {
    if (signal.aborted) throw cancelled(key);
    if (!hasTold && (await exists(folder)))
      options.onDamage?.(
        `${folder} is not whole (a file is missing, or the list of files is damaged or of another version): it is made again`,
      );
    hasTold = true;
    await makeFolder(cacheFolder);
    const lock = await tryLock(join(cacheFolder, `${key}.lock`));
    if (lock.taken) {
      await buildUnderLock(options, folder, signal).finally(() => lock.release());
      return folder;
    }
    if (lock.holder !== undefined && !hasWaited) options.onWait?.(lock.holder);
    hasWaited ||= lock.holder !== undefined;
    await delay(LOCK_POLL_MS, undefined, { signal });
  }
  return folder;
}

async function buildUnderLock(options: PublishOptions, folder: string, signal: AbortSignal): Promise<void> {
  // Another may have finished between our look at the folder and the lock.
  if ((await finishedBytes(folder)) !== undefined) return;
  await removeLeftovers(options.cacheFolder, options.key);
  const partial = temporaryName(folder, 'partial');
  try {
    await mkdir(partial);
    await options.build(partial, signal);
    if (signal.aborted) throw cancelled(options.key);
    await writeManifest(partial);
    await moveIntoPlace(partial, folder);
    await flush(options.cacheFolder);
  } finally {
    // Gone already where all went well.
    await rm(partial, { recursive: true, force: true });
  }
}

/** Puts a finished folder where nothing, another's finished folder, or a damaged one may be. */
async function moveIntoPlace(partial: string, folder: string): Promise<void> {
  try {
    await rename(partial, folder);
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error;
    if ((await finishedBytes(folder)) !== undefined) return;
    await discardFolder(folder);
    await rename(partial, folder);
  }
}

/** Takes a damaged folder away. What others have open or mapped of it stays with them. Harmless where it is gone already. */
export async function discardFolder(folder: string): Promise<void> {
  const broken = temporaryName(folder, 'broken');
  try {
    await rename(folder, broken);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  await rm(broken, { recursive: true, force: true });
}

function temporaryName(path: string, kind: 'partial' | 'broken'): string {
  return `${path}.${kind}-${process.pid}-${randomUUID()}`;
}

/** Removes what processes left that are no more; with the lock in hand, our own pid's are leftovers too. */
async function removeLeftovers(cacheFolder: string, key: string): Promise<void> {
  for (const name of await readdir(cacheFolder)) {
    if (!name.startsWith(`${key}.`)) continue;
    const pid = Number(/^\.(?:partial|broken|lock\.stale)-(\d+)-/.exec(name.slice(key.length))?.[1]);
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue;
    await rm(join(cacheFolder, name), { recursive: true, force: true });
  }
}

function cancelled(key: string, cause?: unknown): KvrError {
  return new KvrError('CANCELLED', `making ${key} in the cache was cancelled`, {}, cause);
}
