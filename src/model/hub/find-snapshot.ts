/**
 * Finds a model by its name in the hub's cache, whoever put it there. Never asks the network: what is missing is told with the
 * command that fetches it.
 */
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { readJsonFile } from '../checkpoint/json-file.js';
import { isErrno } from '../cache/files/errno.js';
import { ggufFiles, ggufModels, MAX_INDEX_BYTES, shardNames, WEIGHTS, WEIGHTS_INDEX } from './fetch-plan.js';
import { type HubName, hubNameText } from './names/names.js';
import { isFileThere, readRef, repoFolder, snapshotFolder } from './storage/cache-layout.js';

/** A snapshot has a few files beside its weights; more are not looked at. */
const MAX_FILES = 20_000;

/**
 * @returns the snapshot's folder, or the GGUF file in it that is named or the only one
 * @throws MODEL_NOT_FOUND where it is not in the cache, or not all of it is; BAD_INPUT where one of several has to be named
 */
export async function findSnapshot(name: HubName, cache: string): Promise<string> {
  const folder = repoFolder(cache, name.repo);
  const commit = await readRef(folder, name.revision);
  if (commit === undefined) throw notFetched(name, `it is not in the hub's cache ${cache}`);
  const snapshot = snapshotFolder(folder, commit);
  const files = await filesIn(snapshot);
  if (name.file !== undefined) return ggufIn(snapshot, files, name.file, name);
  const missing = await missingFile(snapshot, files);
  if (missing === undefined) return snapshot;
  const models = ggufModels(files);
  const [only, ...others] = models;
  if (only && others.length === 0) return ggufIn(snapshot, files, only.path, name);
  if (only)
    throw several(
      name,
      models.map(({ path }) => path),
    );
  throw notFetched(name, `${missing} is missing in ${snapshot}`);
}

function notFetched(name: HubName, why: string): KvrError {
  const text = hubNameText(name);
  return new KvrError(
    'MODEL_NOT_FOUND',
    `model "${text}": there is no such folder, and ${why}; fetch it with: kvr pull ${text}`,
  );
}

function several(name: HubName, paths: readonly string[]): KvrError {
  const choices = paths.slice(0, 4).map((file) => hubNameText({ ...name, file }));
  return new KvrError(
    'BAD_INPUT',
    `model "${hubNameText(name)}" is there as ${paths.length} GGUF files; name one: --model ${choices.join(' or ')}`,
  );
}

async function ggufIn(
  snapshot: string,
  files: readonly { path: string; bytes: number }[],
  path: string,
  name: HubName,
): Promise<string> {
  for (const part of partsListed(files, path, name)) {
    if (!(await isFileThere(join(snapshot, part))))
      throw notFetched({ ...name, file: path }, `${part} is missing`);
  }
  return join(snapshot, path);
}

/** One that is not there is told with the command that fetches it. */
function partsListed(
  files: readonly { path: string; bytes: number }[],
  path: string,
  name: HubName,
): string[] {
  try {
    return ggufFiles(files, path, name.repo).map((file) => file.path);
  } catch (error) {
    if (!(error instanceof KvrError)) throw error;
    throw notFetched({ ...name, file: path }, 'that file is not in the cache');
  }
}

/** @returns the first of what a checkpoint needs that is not there */
async function missingFile(
  snapshot: string,
  files: readonly { path: string }[],
): Promise<string | undefined> {
  const has = (path: string): boolean => files.some((file) => file.path === path);
  if (!has('config.json')) return 'config.json';
  const needed = has(WEIGHTS) || !has(WEIGHTS_INDEX) ? [WEIGHTS] : await shardsOf(snapshot);
  for (const path of ['config.json', ...needed]) if (!(await isFileThere(join(snapshot, path)))) return path;
  return undefined;
}

async function shardsOf(snapshot: string): Promise<string[]> {
  const path = join(snapshot, WEIGHTS_INDEX);
  return shardNames((await readJsonFile(path, MAX_INDEX_BYTES)) ?? {}, path);
}

/** Links count as files. */
async function filesIn(snapshot: string): Promise<{ path: string; bytes: number }[]> {
  try {
    const entries = await readdir(snapshot, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .slice(0, MAX_FILES)
      .map((entry) => relative(snapshot, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .map((path) => ({ path, bytes: 0 }));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
