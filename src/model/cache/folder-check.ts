/**
 * Whether a published folder still holds what was written, byte for byte. Reading everything takes a second for 2 GB, so a
 * stamp remembers when that was done last, and a start soon after looks no further than whether anybody wrote since.
 * A stamp sees every write through the file system, but no disk that loses bits, so it is not believed for long.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { isErrno } from './files/errno.js';
import { factsText, isSettled } from './files/file-facts.js';
import { fileDigest } from './files/file-digest.js';
import { readKept, tryWriteKept } from './files/kept-json.js';
import { MANIFEST, type ManifestFiles, readManifest } from './manifest.js';

/** Disks lose bits over months; somebody who starts models all day reads them whole once a day. */
const STAMP_MS = 24 * 3600_000;

export type FolderCheckOptions = {
  /** Files up to this size alone; those that fit are read before anything is made of them. */
  readonly maxFileBytes?: number;
  readonly signal?: AbortSignal;
  readonly nowMs?: number;
};

/**
 * @param folder a published one, with its stamp beside it in the cache
 * @returns what is wrong with it, in a few words; undefined where it is whole
 * @throws the signal's reason
 */
export async function findDamage(
  folder: string,
  options: FolderCheckOptions = {},
): Promise<string | undefined> {
  const nowMs = options.nowMs ?? Date.now();
  const files = await readManifest(folder);
  if (files === undefined) return `${MANIFEST} is missing or damaged`;
  const facts = await factsOf(folder, files, nowMs);
  if (facts === undefined) return 'a file is missing';
  if (await isStamped(folder, facts.text, nowMs)) return undefined;
  const damage = await damageIn(folder, files, options);
  if (damage === undefined && options.maxFileBytes === undefined) await stamp(folder, files, facts, nowMs);
  return damage;
}

async function damageIn(
  folder: string,
  files: ManifestFiles,
  { maxFileBytes = Infinity, signal }: FolderCheckOptions,
): Promise<string | undefined> {
  for (const [name, { bytes, digest }] of Object.entries(files)) {
    if (bytes > maxFileBytes) continue;
    const found = await readDigest(join(folder, name), signal);
    if (typeof found === 'string') return `${name} can not be read: ${found}`;
    if (found.digest !== digest) return `${name} does not hold what was written`;
  }
  return undefined;
}

async function readDigest(path: string, signal?: AbortSignal) {
  try {
    return await fileDigest(path, signal);
  } catch (error) {
    // A sector that can not be read, or a file that is gone: as good as a wrong byte.
    if (error instanceof Error && 'errno' in error) return error.message;
    throw error;
  }
}

type FolderFacts = { readonly text: string; readonly isSettled: boolean };

/** Of all files with the manifest itself; undefined where one is missing. */
async function factsOf(
  folder: string,
  files: ManifestFiles,
  nowMs: number,
): Promise<FolderFacts | undefined> {
  const lines = createHash('sha256');
  let isOld = true;
  try {
    for (const name of [MANIFEST, ...Object.keys(files)]) {
      const facts = await stat(join(folder, name), { bigint: true });
      lines.update(`${name}\n${factsText(facts)}\n`);
      isOld &&= isSettled({ mtimeMs: facts.ctimeMs }, nowMs);
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  return { text: lines.digest('hex'), isSettled: isOld };
}

const stampSchema = z.object({ facts: z.string(), checkedMs: z.number() });

async function isStamped(folder: string, facts: string, nowMs: number): Promise<boolean> {
  const found = stampSchema.safeParse(await readKept(stampPath(folder))).data;
  if (found?.facts !== facts) return false;
  const ageMs = nowMs - found.checkedMs;
  return ageMs >= 0 && ageMs < STAMP_MS;
}

/** A cache that can not be written is read whole at every start. */
async function stamp(
  folder: string,
  files: ManifestFiles,
  before: FolderFacts,
  nowMs: number,
): Promise<void> {
  const after = await factsOf(folder, files, nowMs);
  if (!before.isSettled || after?.text !== before.text) return;
  await tryWriteKept(stampPath(folder), { facts: before.text, checkedMs: nowMs });
}

function stampPath(folder: string): string {
  return join(dirname(folder), 'checked', `${basename(folder)}.json`);
}
