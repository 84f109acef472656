/**
 * What lies in the cache of compiled models, and how one is removed.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KvrError } from '../core/errors.js';
import type { Dtype } from '../core/shape.js';
import { isErrno } from './cache/files/errno.js';
import { tryLock } from './cache/lock.js';
import { finishedBytes, MANIFEST } from './cache/manifest.js';
import { discardFolder } from './cache/publish.js';
import { readManifest } from './compiled.js';

/** More than anybody has; what is beyond is not listed. */
const MAX_MODELS = 10_000;

export type CompiledModel = {
  /** Of its folder in the cache. */
  readonly name: string;
  /** What the checkpoint was called when it was compiled. */
  readonly model?: string;
  readonly dtype?: Dtype;
  readonly bytes: number;
  /** Milliseconds since the epoch; systems note reading once a day at most. */
  readonly lastUsedMs: number;
};

/** By name; only those that are whole. @param cache need not exist */
export async function compiledModels(cache: string): Promise<CompiledModel[]> {
  const entries = await readdir(cache, { withFileTypes: true }).catch(nothingThere);
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const models: CompiledModel[] = [];
  for (const name of names.sort().slice(0, MAX_MODELS)) {
    const model = await compiledModel(cache, name);
    if (model) models.push(model);
  }
  return models;
}

async function compiledModel(cache: string, name: string): Promise<CompiledModel | undefined> {
  const folder = join(cache, name);
  const bytes = await finishedBytes(folder);
  if (bytes === undefined) return undefined;
  const { atimeMs, mtimeMs } = await stat(join(folder, MANIFEST));
  const lastUsedMs = Math.max(atimeMs, mtimeMs);
  return { name, bytes, lastUsedMs, ...(await factsOf(folder)) };
}

/** The quote model, and folders of another version, have none that can be read. */
async function factsOf(folder: string): Promise<Pick<CompiledModel, 'model' | 'dtype'>> {
  try {
    const { dtype, model } = await readManifest(folder);
    return { dtype, ...(model !== undefined && { model }) };
  } catch (error) {
    if (error instanceof KvrError) return {};
    throw error;
  }
}

/** @returns the bytes that were freed, or undefined where there is none of that name. @throws BUSY while it is compiled */
export async function removeCompiledModel(cache: string, name: string): Promise<number | undefined> {
  const found = (await compiledModels(cache)).find((model) => model.name === name);
  if (!found) return undefined;
  const lock = await tryLock(join(cache, `${name}.lock`));
  if (!lock.taken) {
    const pid = lock.holder?.pid;
    throw new KvrError(
      'BUSY',
      `${pid === undefined ? 'a process' : `process ${pid}`} works on ${name}; remove it later`,
    );
  }
  try {
    await discardFolder(join(cache, name));
    await rm(join(cache, 'checked', `${name}.json`), { force: true });
  } finally {
    await lock.release();
  }
  return found.bytes;
}

function nothingThere(error: unknown): never[] {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
  throw error;
}
