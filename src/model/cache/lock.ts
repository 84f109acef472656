/**
 * A lock between processes: a file that says who holds it. It saves work and nothing else hangs on it; what
 * it guards must stay right when two hold it, since no file can tell a dead holder from a suspended one.
 * Used by publish.
 */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { isErrno } from './files/errno.js';
import { setFileTimes } from './files/open-file.js';
import { isAlive } from './process-alive.js';

/** How often a holder shows that it is there. */
const HEARTBEAT_MS = 5000;
/** A holder that showed nothing for this long is taken for dead: another host's, or one whose pid was given again. */
const SILENT_MS = 60_000;
/** Between making the file and writing the holder into it; a lock that stays empty is a dead one's. */
const EMPTY_MS = 5000;

export type LockHolder = { readonly pid: number; readonly host: string; readonly token: string };

/** Taken, until release(), or held by another (by nobody where it was just let go or found dead). */
export type LockAttempt =
  | { readonly taken: true; release(): Promise<void> }
  | { readonly taken: false; readonly holder: LockHolder | undefined };

const holderSchema = z.object({ pid: z.number().int().positive(), host: z.string(), token: z.string() });

/** Tries once. A dead holder's lock is removed, so that the next attempt can take it. */
export async function tryLock(path: string): Promise<LockAttempt> {
  const handle = await createFile(path);
  if (handle !== undefined) return hold(path, handle);
  const found = await inspect(path);
  if (found?.stale === true) await removeStale(path);
  return { taken: false, holder: found?.stale === true ? undefined : found?.holder };
}

async function createFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return undefined;
    throw error;
  }
}

async function hold(path: string, handle: FileHandle): Promise<LockAttempt> {
  const holder: LockHolder = { pid: process.pid, host: hostname(), token: randomUUID() };
  try {
    await handle.writeFile(JSON.stringify(holder));
  } catch (error) {
    await handle.close();
    await unlink(path);
    throw error;
  }
  const stopHeartbeat = beat(handle);
  const release = async (): Promise<void> => {
    await stopHeartbeat();
    await handle.close();
    // Another may have taken us for dead, and the file may be its own by now.
    if ((await inspect(path))?.holder?.token === holder.token) await removeIfThere(path);
  };
  return { taken: true, release };
}

/** Renews the time of the open file, and so never that of a lock that another put in its place. */
function beat(handle: FileHandle): () => Promise<void> {
  let beating = Promise.resolve();
  const timer = setInterval(() => {
    const now = new Date();
    // Without a heartbeat the lock merely looks dead after a while, which is allowed.
    beating = setFileTimes(handle.fd, now, now).catch(() => undefined);
  }, HEARTBEAT_MS).unref();
  return async () => {
    clearInterval(timer);
    await beating;
  };
}

type Inspection = { readonly stale: boolean; readonly holder: LockHolder | undefined };

async function inspect(path: string): Promise<Inspection | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    const holder = parseHolder(await readFile(path, 'utf8'));
    return { holder, stale: isStale(holder, Date.now() - mtimeMs) };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Empty or torn: nobody's, see EMPTY_MS.
    return undefined;
  }
}

function isStale(holder: LockHolder | undefined, silentMs: number): boolean {
  if (holder === undefined) return silentMs > EMPTY_MS;
  return silentMs > SILENT_MS || (holder.host === hostname() && !isAlive(holder.pid));
}

/** Moves the lock aside and looks again: between looking and moving, another may have put a new one there. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  if ((await inspect(aside))?.stale === false) await rename(aside, path);
  else await removeIfThere(aside);
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}
