/**
 * A published folder's list of files with their sizes and digests, written last. What has no manifest, or does not match it,
 * was never finished or was damaged. Sizes are looked at whenever a folder is opened; the digests are for folder-check.ts.
 */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { isErrno } from './files/errno.js';
import { fileDigest, type FileDigest } from './files/file-digest.js';
import { openSealed, sealJson } from './files/sealed-json.js';
import { syncFile } from './files/open-file.js';

/** A name that builders have no use for: the file lies among theirs. */
export const MANIFEST = 'published.json';

const manifestSchema = z.object({
  version: z.literal(2),
  files: z.record(z.string(), z.object({ bytes: z.number().int().min(0), digest: z.string() })),
});

/** By names relative to the folder. */
export type ManifestFiles = Readonly<Record<string, FileDigest>>;

/** Lists every file of the folder with its size and digest and puts all of it on the disk, the manifest last. */
export async function writeManifest(folder: string): Promise<void> {
  const files: Record<string, FileDigest> = {};
  const folders = [folder];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) folders.push(path);
    else {
      files[relative(folder, path)] = await fileDigest(path);
      await flush(path);
    }
  }
  const file = await open(join(folder, MANIFEST), 'w');
  try {
    await file.writeFile(sealJson({ version: 2, files }));
    await syncFile(file.fd);
  } finally {
    await file.close();
  }
  for (const path of folders.reverse()) await flush(path);
}

/** Bytes of a finished folder, or undefined where it is not there, not finished or not whole. */
export async function finishedBytes(folder: string): Promise<number | undefined> {
  const files = await readManifest(folder);
  if (files === undefined) return undefined;
  let totalBytes = 0;
  for (const [name, { bytes }] of Object.entries(files)) {
    if ((await fileBytes(join(folder, name))) !== bytes) return undefined;
    totalBytes += bytes;
  }
  return totalBytes;
}

/** Waits until a file, or a folder's entries, are on the disk. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await syncFile(handle.fd);
  } finally {
    await handle.close();
  }
}

/** @returns undefined where there is none, or it is torn or damaged, which is the same: the folder is made again */
export async function readManifest(folder: string): Promise<ManifestFiles | undefined> {
  try {
    return manifestSchema.safeParse(openSealed(await readFile(join(folder, MANIFEST), 'utf8'))).data?.files;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EIO')) return undefined;
    throw error;
  }
}

async function fileBytes(path: string): Promise<number | undefined> {
  try {
    const facts = await stat(path);
    return facts.isFile() ? facts.size : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
