/**
 * What lies in the hub's cache: models, their revisions, their bytes; and how one is removed. Never asks the network.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { isErrno } from '../cache/files/errno.js';
import { tryLock } from '../cache/lock.js';
import { lockFolder, readRef, repoFolder, repoOfEntry } from './storage/cache-layout.js';

/** More than anybody has; what is beyond is not listed. */
const MAX_MODELS = 10_000;
const MAX_FILES = 100_000;

export type CachedModel = {
  /** 'ORG/NAME' */
  readonly name: string;
  /** Branches and tags by name, with the commit they stand for. */
  readonly revisions: readonly { readonly revision: string; readonly commit: string }[];
  readonly bytes: number;
  /** Of those, what belongs to downloads that are not finished. */
  readonly partialBytes: number;
  /** Milliseconds since the epoch; systems note reading once a day at most. */
  readonly lastUsedMs: number;
};

/** By name. @param cache need not exist */
export async function cachedModels(cache: string): Promise<CachedModel[]> {
  const names = (await namesIn(cache)).flatMap((entry) => repoOfEntry(entry) ?? []);
  const models: CachedModel[] = [];
  for (const name of names.sort().slice(0, MAX_MODELS)) models.push(await cachedModel(cache, name));
  return models;
}

async function cachedModel(cache: string, name: string): Promise<CachedModel> {
  const folder = repoFolder(cache, name);
  const facts = await filesBelow(folder);
  const bytesOf = (files: readonly FileFacts[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    name,
    revisions: await revisionsOf(folder),
    bytes: bytesOf(facts),
    partialBytes: bytesOf(facts.filter(({ path }) => path.endsWith('.incomplete'))),
    lastUsedMs: Math.max(0, ...facts.map(({ usedMs }) => usedMs)),
  };
}

async function revisionsOf(folder: string): Promise<{ revision: string; commit: string }[]> {
  const refs = join(folder, 'refs');
  const found: { revision: string; commit: string }[] = [];
  for (const { path } of await filesBelow(refs)) {
    const revision = relative(refs, path).split(sep).join('/');
    const commit = await readRef(folder, revision);
    if (commit !== undefined) found.push({ revision, commit });
  }
  return found;
}

type FileFacts = { readonly path: string; readonly bytes: number; readonly usedMs: number };

/** Regular files alone: links to blobs would count them twice. */
async function filesBelow(folder: string): Promise<FileFacts[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(nothingThere);
  const files: FileFacts[] = [];
  for (const entry of entries.filter((each) => each.isFile()).slice(0, MAX_FILES)) {
    const path = join(entry.parentPath, entry.name);
    const facts = await lstat(path);
    files.push({ path, bytes: facts.size, usedMs: Math.max(facts.atimeMs, facts.mtimeMs) });
  }
  return files;
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(nothingThere);
}

function nothingThere(error: unknown): never[] {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
  throw error;
}

/**
 * Takes a model out of the cache with all its revisions.
 * @returns the bytes that were freed
 * @throws MODEL_NOT_FOUND; BUSY while a process fetches a part of it
 */
export async function removeCachedModel(cache: string, name: string): Promise<number> {
  const folder = repoFolder(cache, name);
  // A link in place of the folder would lead out of the cache.
  const facts = await lstat(folder).catch(nothingThere);
  if (!('isDirectory' in facts) || !facts.isDirectory())
    throw new KvrError(
      'MODEL_NOT_FOUND',
      `${name} is not in the hub's cache ${cache}; "kvr models" lists what is`,
    );
  const locks = lockFolder(cache, name);
  for (const entry of await namesIn(locks)) await checkUnused(join(locks, entry), name);
  const { bytes } = await cachedModel(cache, name);
  await rm(folder, { recursive: true });
  await rm(locks, { recursive: true, force: true });
  return bytes;
}

/** Locks of other programs, which hold them without words, can not be told from ones they left: those are passed over. */
async function checkUnused(path: string, name: string): Promise<void> {
  if (!path.endsWith('.kvr.lock')) return;
  const lock = await tryLock(path);
  if (lock.taken) return lock.release();
  if (!lock.holder) return;
  throw new KvrError(
    'BUSY',
    `process ${lock.holder.pid} fetches a part of ${name}; remove it once that is done`,
  );
}
