/**
 * Remembers files' hashes, one small file each, so that programs at the same time do not overwrite each
 * other's. An entry that is torn, or about another file, is as good as none. Used by digest.
 */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isErrno } from './errno.js';
import { makeFolder } from './make-folder.js';
import { writeAtomically } from './write-atomically.js';

/** A file changed this lately might change again within one tick of the file system's clock, unseen. */
const SETTLED_MS = 2000;

const entrySchema = z.object({ file: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** @returns the remembered sha-256, or undefined where none is or the file is not the same any more. */
export async function recallDigest(
  cacheFolder: string,
  path: string,
  facts: BigIntStats,
): Promise<string | undefined> {
  const file = identityOf(path, facts);
  const text = await readIfThere(entryPath(cacheFolder, file));
  const entry = entrySchema.safeParse(text === undefined ? undefined : jsonOrUndefined(text));
  return entry.data?.file === file ? entry.data.sha256 : undefined;
}

/** Does nothing where the file was changed just now, or the cache can not be written: it is hashed again then. */
export async function rememberDigest(
  cacheFolder: string,
  path: string,
  facts: BigIntStats,
  sha256: string,
): Promise<void> {
  if (Date.now() - Number(facts.mtimeMs) < SETTLED_MS) return;
  const file = identityOf(path, facts);
  const target = entryPath(cacheFolder, file);
  try {
    await makeFolder(join(cacheFolder, 'digests'));
    await writeAtomically(target, JSON.stringify({ file, sha256 }));
  } catch (error) {
    // The digest is right without the memo; whoever must write the cache will say that it can not be written.
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT', 'EEXIST', 'ENOSPC', 'EDQUOT'))
      throw error;
  }
}

function identityOf(path: string, facts: BigIntStats): string {
  return [path, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join('\n');
}

function entryPath(cacheFolder: string, file: string): string {
  return join(cacheFolder, 'digests', `${createHash('sha256').update(file).digest('hex')}.json`);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) return undefined;
    throw error;
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Torn by a crash: the same as not remembered.
    return undefined;
  }
}
