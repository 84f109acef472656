/**
 * KVR-P's table of searched partitions as a file in the cache folder, one per model, its dtypes and set of workers.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ClusterWorker } from '../../cluster/cluster.js';
import { type OnDamage, readKept, writeKept } from '../../model/cache/index.js';
import { parsePartitionTable, type PartitionTable } from '../../plan/index.js';
import { warningOf } from '../options/options.js';

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

/**
 * @param onDamage takes a line about a damaged file; the process's warnings do where it is not given
 * @returns undefined where no table was built yet, or it is damaged
 * @throws BAD_INPUT where it is of another version
 */
export async function readTable(
  cacheFolder: string,
  owner: TableOwner,
  onDamage: OnDamage = warningOf({}),
): Promise<PartitionTable | undefined> {
  const key = tableKey(owner);
  const kept = await readKept(tablePath(cacheFolder, key), onDamage);
  return kept === undefined ? undefined : parsePartitionTable(kept, key);
}

/** @returns where it is kept. @throws what the file system reports */
export async function writeTable(cacheFolder: string, table: PartitionTable): Promise<string> {
  const path = tablePath(cacheFolder, table.key);
  await writeKept(path, table);
  return path;
}

function tablePath(cacheFolder: string, key: string): string {
  return join(cacheFolder, FOLDER, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
}
