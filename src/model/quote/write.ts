/**
 * Writes the `quote` model as a HuggingFace folder. Files go into a sibling folder first, which is renamed when it
 * is complete, so that a crash leaves nothing torn. Knows no cache; called by model/open and by tests.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../cache/index.js';
import { writeSafetensors } from '../checkpoint/safetensors-writer.js';
import { quoteTensors } from './tensors.js';
import { quoteTextFiles } from './text-files.js';

/**
 * The same bytes every time, about 9 MB. An empty folder in the way is replaced.
 * @throws what the file system throws, such as ENOSPC, EACCES, or ENOTEMPTY where the folder holds files
 */
export async function writeQuoteCheckpoint(folder: string): Promise<void> {
  const target = resolve(folder);
  await makeFolder(dirname(target));
  const partial = `${target}.partial-${process.pid}-${randomUUID()}`;
  try {
    await mkdir(partial);
    await writeFiles(partial);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function writeFiles(folder: string): Promise<void> {
  await writeSafetensors(join(folder, 'model.safetensors'), quoteTensors());
  for (const [name, value] of Object.entries(quoteTextFiles())) {
    await writeFile(join(folder, name), `${JSON.stringify(value, undefined, 1)}\n`);
  }
}
