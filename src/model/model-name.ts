/**
 * What a model is called where others see it: `ORG/NAME` as the hub has it, else the base name of its folder or file. Never a path.
 */
import { basename, isAbsolute, resolve } from 'node:path';
import { isThere } from './hub/storage/cache-layout.js';

/** Of a folder in the hub's cache, whose own name is a commit. */
const SNAPSHOT = /(?:^|[/\\])models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/;
const GGUF = /(?:-\d{5}-of-\d{5})?\.gguf$/i;

/** @param given as a user names a model: a folder, a file, or a name that is no path and stays as it is */
export async function modelName(given: string): Promise<string> {
  const isPath = given.startsWith('.') || isAbsolute(given) || (await isThere(given));
  if (!isPath) return given;
  const path = resolve(given);
  const [, org, repo] = SNAPSHOT.exec(path) ?? [];
  if (org !== undefined && repo !== undefined) return `${org}/${repo}`;
  return basename(path).replace(GGUF, '');
}
