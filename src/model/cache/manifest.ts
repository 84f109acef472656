/**
 * A published folder's list of files and sizes, written last. What has no manifest, or does not match it,
 * was never finished or was damaged. Sizes, not contents: reading tens of GB at every start is no option.
 */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { isErrno } from './errno.js';
import { syncFile } from './open-file.js';

/** A name that builders have no use for: the file lies among theirs. */
const MANIFEST = 'published.json';

const manifestSchema = z.object({
  version: z.literal(1),
  files: z.record(z.string(), z.number().int().min(0)),
});

/** Lists every file of the folder with its size and puts all of it on the disk, the manifest last. */
export async function writeManifest(folder: string): Promise<void> {
  const files: Record<string, number> = {};
  const folders = [folder];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) folders.push(path);
    else files[relative(folder, path)] = await flush(path);
  }
  const file = await open(join(folder, MANIFEST), 'w');
  try {
    await file.writeFile(JSON.stringify({ version: 1, files }, undefined, 1));
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
  for (const [name, bytes] of Object.entries(files)) {
    if ((await fileBytes(join(folder, name))) !== bytes) return undefined;
    totalBytes += bytes;
  }
  return totalBytes;
}

/** Waits until a file, or a folder's entries, are on the disk. @returns its size */
export async function flush(path: string): Promise<number> {
  const handle = await open(path, 'r');
  try {
    await syncFile(handle.fd);
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

async function readManifest(folder: string): Promise<Readonly<Record<string, number>> | undefined> {
  try {
    const json: unknown = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8'));
    return manifestSchema.safeParse(json).data?.files;
  } catch (error) {
    // A torn manifest is the same as none: the folder is made again.
    if (error instanceof SyntaxError || isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
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
