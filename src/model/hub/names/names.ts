/**
 * Names of models on the hub, as people type them: `ORG/NAME`, with `/FILE.gguf` for one file and `@REVISION` behind all of it.
 * Names that come from the hub are hostile and checked here too. Pure.
 */
import { KvrError } from '../../../core/errors.js';
import { printable } from '../../checkpoint/printable.js';

export type HubName = {
  /** 'ORG/NAME' */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** A GGUF file of the repository, with its folders. */
  readonly file?: string;
};

const DEFAULT_REVISION = 'main';

/** The hub's own rule for both parts of a repository's name. */
const PART = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;
/** Branches may hold slashes, as in refs/pr/1; what git refuses besides does no harm here. */
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,254}$/;
const COMMIT = /^[0-9a-f]{40}$/;
const GGUF = /\.gguf$/i;

/** File systems take names of 255 bytes; what we add to one while it is written is shorter than the rest. */
const MAX_SEGMENT_BYTES = 200;
/** Far below the 4,096 bytes that systems take, since the cache's own folder comes before it. */
const MAX_PATH_BYTES = 1024;
/** Repositories nest two or three folders. */
const MAX_SEGMENTS = 16;
/** Letters, digits and signs that mean nothing to any file system, shell or URL; no control characters, colons or backslashes. */
const SEGMENT = /^[\p{L}\p{N}_+=,()[\]{}!#$&'~ .@-]+$/u;

/** @returns undefined where the text is no such name. */
export function parseHubName(text: string): HubName | undefined {
  const at = text.indexOf('@');
  const [path, revision] = at < 0 ? [text, DEFAULT_REVISION] : [text.slice(0, at), text.slice(at + 1)];
  const [org = '', name = '', ...folders] = path.split('/');
  const file = folders.join('/');
  if (!isRepoName(`${org}/${name}`) || !isRevision(revision)) return undefined;
  if (folders.length === 0) return { repo: `${org}/${name}`, revision };
  return isSafePath(file) && GGUF.test(file) ? { repo: `${org}/${name}`, revision, file } : undefined;
}

export function isRepoName(text: string): boolean {
  const parts = text.split('/');
  // Two hyphens stand for the slash in the cache's folders, so the hub allows them nowhere else.
  return parts.length === 2 && parts.every((part) => PART.test(part) && !/--|\.\.|[.-]$/.test(part));
}

function isRevision(text: string): boolean {
  return REVISION.test(text) && isSafePath(text);
}

export function isCommit(text: string): boolean {
  return COMMIT.test(text);
}

export function isGguf(path: string): boolean {
  return GGUF.test(path);
}

/** How the name is typed again, as `kvr pull` and `--model` take it. */
export function hubNameText({ repo, revision, file }: HubName): string {
  const path = file === undefined ? repo : `${repo}/${file}`;
  return revision === DEFAULT_REVISION ? path : `${path}@${revision}`;
}

/** Whether a path stays inside the folder it is put into, on every file system, and has bounded names. */
export function isSafePath(path: string): boolean {
  const segments = path.split('/');
  if (segments.length > MAX_SEGMENTS || Buffer.byteLength(path) > MAX_PATH_BYTES) return false;
  return segments.every(isSafeSegment);
}

function isSafeSegment(segment: string): boolean {
  if (!SEGMENT.test(segment) || Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return false;
  // '.', '..', and names that Windows would shorten to others.
  return !/^\.{1,2}$|[. ]$|^ /.test(segment);
}

/** @throws BAD_INPUT */
export function checkedHubName(text: string): HubName {
  const name = parseHubName(text);
  if (name) return name;
  throw new KvrError(
    'BAD_INPUT',
    `"${printable(text)}" is no model of the hub; give ORG/NAME, ORG/NAME/FILE.gguf, or either with @REVISION`,
  );
}
