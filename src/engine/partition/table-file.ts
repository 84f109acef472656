/**
 * KVR-P's table of searched partitions as a file in the cache folder, one per model, its dtypes and set of workers.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterWorker } from '../../cluster/cluster.js';
import { makeFolder } from '../../model/cache/index.js';
import { KvrError } from '../../core/errors.js';
import { parsePartitionTable, type PartitionTable } from '../../plan/index.js';

const FOLDER = 'partition-tables';

/** What identifies a table. */
export type TableOwner = {
  readonly model: { readonly digest: string };
  readonly settings: { readonly dtype: string; readonly kvDtype: string; readonly chunkTokens: number };
  readonly workers: readonly ClusterWorker[];
};

export function tableKey({ model, settings, workers }: TableOwner): string {
  const each = workers.map(({ handle, ready }) => `${handle.id}:${ready.threads}`);
  const { dtype, kvDtype, chunkTokens } = settings;
  return [model.digest, dtype, kvDtype, chunkTokens, ...each].join(' ');
}

/** @returns undefined where no table was built yet. @throws BAD_INPUT where the file is broken */
export async function readTable(cacheFolder: string, owner: TableOwner): Promise<PartitionTable | undefined> {
  const path = tablePath(cacheFolder, tableKey(owner));
  try {
    return parsePartitionTable(JSON.parse(await readFile(path, 'utf8')), tableKey(owner));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError)
      throw new KvrError('BAD_INPUT', `${path} is not JSON; build the table again`, {}, error);
    throw error;
  }
}

export async function writeTable(cacheFolder: string, table: PartitionTable): Promise<string> {
  const path = tablePath(cacheFolder, table.key);
  await makeFolder(join(cacheFolder, FOLDER));
  await writeFile(`${path}.${process.pid}`, JSON.stringify(table));
  await rename(`${path}.${process.pid}`, path);
  return path;
}

function tablePath(cacheFolder: string, key: string): string {
  return join(cacheFolder, FOLDER, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
}
