/**
 * Remembers files' hashes, one small file each, so that programs at the same time do not overwrite each
 * other's. An entry that is torn, damaged, or about another file, is as good as none. Used by digest.
 */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { factsText, isSettled } from './files/file-facts.js';
import { readKept, tryWriteKept } from './files/kept-json.js';

const entrySchema = z.object({ file: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** @returns the remembered sha-256, or undefined where none is or the file is not the same any more. */
export async function recallDigest(
  cacheFolder: string,
  path: string,
  facts: BigIntStats,
): Promise<string | undefined> {
  const file = identityOf(path, facts);
  // What is damaged costs one more reading of the file and changes nothing, so nobody is told.
  const entry = entrySchema.safeParse(await readKept(entryPath(cacheFolder, file)));
  return entry.data?.file === file ? entry.data.sha256 : undefined;
}

/** Does nothing where the file was changed just now, or the cache can not be written: it is hashed again then. */
export async function rememberDigest(
  cacheFolder: string,
  path: string,
  facts: BigIntStats,
  sha256: string,
): Promise<void> {
  if (!isSettled(facts, Date.now())) return;
  const file = identityOf(path, facts);
  // The digest is right without the memo; whoever must write the cache will say that it can not be written.
  await tryWriteKept(entryPath(cacheFolder, file), { file, sha256 });
}

function identityOf(path: string, facts: BigIntStats): string {
  return `${path}\n${factsText(facts)}`;
}

function entryPath(cacheFolder: string, file: string): string {
  return join(cacheFolder, 'digests', `${createHash('sha256').update(file).digest('hex')}.json`);
}
