/**
 * Small files of the cache that save work and nothing else hangs on: digests, measurements, tables. One that is damaged or
 * can not be read counts as not there, and is made again.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from './errno.js';
import { openSealed, sealJson } from './sealed-json.js';
import { makeFolder } from './make-folder.js';
import { writeAtomically } from './write-atomically.js';

/** Tells in one line what was wrong with a file of the cache, and what is done about it. */
export type OnDamage = (words: string) => void;

/** @returns what was kept, or undefined. @param onDamage is called where a file is there but can not be used */
export async function readKept(path: string, onDamage?: OnDamage): Promise<unknown> {
  const read = await readFile(path, 'utf8').catch((error: Error) => error);
  if (isErrno(read, 'ENOENT', 'ENOTDIR')) return undefined;
  const kept = read instanceof Error ? undefined : openSealed(read);
  if (kept !== undefined) return kept;
  const reason = read instanceof Error ? `can not be read (${read.message})` : 'is damaged';
  onDamage?.(`${path} ${reason}: it is not used`);
  return undefined;
}

/** @throws what the file system reports; nothing is left half written then */
export async function writeKept(path: string, value: unknown): Promise<void> {
  await makeFolder(dirname(path));
  await writeAtomically(path, sealJson(value));
}

/** Where the cache can not be written the work is done again next time. @returns the reason why nothing was kept */
export async function tryWriteKept(path: string, value: unknown): Promise<Error | undefined> {
  try {
    await writeKept(path, value);
    return undefined;
  } catch (error) {
    if (error instanceof Error && 'errno' in error) return error;
    throw error;
  }
}
