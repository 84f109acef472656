/**
 * The cache that all programs of the hub share: `models--ORG--NAME` with `blobs/DIGEST`, `snapshots/COMMIT/PATH` (links to
 * blobs) and `refs/REVISION` (a commit). Knows no network.
 */
import { randomUUID } from 'node:crypto';
import { copyFile, lstat, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isErrno } from '../../cache/files/errno.js';
import { makeFolder } from '../../cache/files/make-folder.js';
import { writeAtomically } from '../../cache/files/write-atomically.js';
import { isCommit, isRepoName } from '../names/names.js';

const PREFIX = 'models--';
const SEPARATOR = '--';

/** @returns the folder of a model in the cache */
export function repoFolder(cache: string, repo: string): string {
  return join(cache, repoEntry(repo));
}

function repoEntry(repo: string): string {
  return `${PREFIX}${repo.replace('/', SEPARATOR)}`;
}

/** The model that an entry of the cache is of; undefined for everything else that lies there. */
export function repoOfEntry(entry: string): string | undefined {
  if (!entry.startsWith(PREFIX)) return undefined;
  const repo = entry.slice(PREFIX.length).replace(SEPARATOR, '/');
  return isRepoName(repo) ? repo : undefined;
}

/** Where programs put their locks, away from what they guard. */
export function lockFolder(cache: string, repo: string): string {
  return join(cache, '.locks', repoEntry(repo));
}

export function blobPath(folder: string, hex: string): string {
  return join(folder, 'blobs', hex);
}

/** Other programs append to a file without our name in it, and may at the same time. */
export function partialPath(folder: string, hex: string): string {
  return `${blobPath(folder, hex)}.kvr.incomplete`;
}

export function snapshotFolder(folder: string, commit: string): string {
  return join(folder, 'snapshots', commit);
}

/** @returns the commit of a revision, or undefined where it was never fetched. */
export async function readRef(folder: string, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  try {
    const commit = (await readFile(join(folder, 'refs', revision), 'latin1')).slice(0, 100).trim();
    return isCommit(commit) ? commit : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    throw error;
  }
}

/** A commit needs none. */
export async function writeRef(folder: string, revision: string, commit: string): Promise<void> {
  if (isCommit(revision)) return;
  const path = join(folder, 'refs', revision);
  await makeFolder(dirname(path));
  await writeAtomically(path, commit);
}

/** What a system without links says, or one where only some may make them. */
const NO_LINKS = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'EACCES'] as const;

/**
 * Shows a blob in a snapshot under its own name: as a link, or as a copy where there are none. What is there is replaced.
 * @param path checked, relative to the snapshot
 */
export async function showInSnapshot(
  snapshot: string,
  path: string,
  blob: string,
  link: typeof symlink = symlink,
): Promise<void> {
  const shown = join(snapshot, path);
  const target = relative(dirname(shown), blob);
  if (await isLinkTo(shown, target)) return;
  await makeFolder(dirname(shown));
  const temporary = `${shown}.${randomUUID()}`;
  try {
    await link(target, temporary).catch(async (error: unknown) => {
      if (!isErrno(error, ...NO_LINKS)) throw error;
      await copyFile(blob, temporary);
    });
    await rename(temporary, shown);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function isLinkTo(path: string, target: string): Promise<boolean> {
  try {
    return (await readlink(path)) === target;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL')) return false;
    throw error;
  }
}

/** Bytes of a regular file itself; undefined where there is none. Links are not followed: in blobs/ nothing makes any. */
export async function fileBytes(path: string): Promise<number | undefined> {
  try {
    const facts = await lstat(path);
    return facts.isFile() ? facts.size : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Whether a file can be read through whatever links lead to it. */
export async function isFileThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return false;
    throw error;
  }
}

/** Whether anything is there under a path that somebody typed. What can not be looked at is not. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
