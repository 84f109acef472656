/**
 * Fetches a model of the hub into the cache that all its programs share: finds out what is needed, tells it, looks whether the
 * disk has room, downloads a few files at a time, and shows them as a snapshot once all of them are whole.
 */
import { KvrError } from '../../core/errors.js';
import { makeFolder } from '../cache/files/make-folder.js';
import { readJsonFile } from '../checkpoint/json-file.js';
import { atOnce } from './at-once.js';
import {
  blobPath,
  lockFolder,
  repoFolder,
  showInSnapshot,
  snapshotFolder,
  writeRef,
} from './storage/cache-layout.js';
import { hubCacheError } from './storage/cache-error.js';
import { checkRoom, freeBytes } from './storage/disk-room.js';
import { downloadBlob, type DownloadOptions } from './download.js';
import { type GgufModel, MAX_INDEX_BYTES } from './fetch-plan.js';
import type { HubFile } from './names/hub-file.js';
import { type HubListing, listModel } from './network/hub-api.js';
import { type HubClock, systemClock } from './network/hub-clock.js';
import type { HubConnection } from './network/hub-http.js';
import { type HubName, hubNameText } from './names/names.js';
import { neededFiles } from './needed-files.js';
import type { HubSettings } from './names/settings.js';
import { type BlobChecks, type FileState, rememberBlob, stateOf } from './storage/sound-blobs.js';

/** One connection seldom fills a line; more than a few gain nothing and look like an attack. */
const FILES_AT_ONCE = 3;

export type PullOptions = {
  readonly settings: HubSettings;
  /** The hub's cache. */
  readonly cache: string;
  /** Our own, where digests are remembered. */
  readonly memoFolder: string;
  readonly signal: AbortSignal;
  readonly clock?: HubClock;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Called once, before anything but lists is fetched. */
  readonly onPlan?: (plan: PullPlan) => void;
  readonly onWarning?: (words: string) => void;
};
export type PullProgress = {
  readonly step: 'checking' | 'fetching';
  readonly doneBytes: number;
  readonly totalBytes: number;
};
export type PullPlan = {
  readonly commit: string;
  readonly files: number;
  readonly totalBytes: number;
  /** Of those, what is not in the cache yet. */
  readonly fetchBytes: number;
  readonly freeBytes: number;
};
export type PullOutcome =
  | {
      readonly kind: 'pulled';
      readonly commit: string;
      /** The snapshot, which can be opened as a checkpoint. */
      readonly folder: string;
      readonly files: readonly {
        readonly path: string;
        readonly bytes: number;
        readonly wasThere: boolean;
      }[];
      readonly fetchedBytes: number;
    }
  | { readonly kind: 'choose'; readonly commit: string; readonly models: readonly GgufModel[] };

/** @throws HUB_*, MODEL_NOT_FOUND, UNSUPPORTED_MODEL, BAD_CHECKPOINT, DISK_FULL, CACHE_UNWRITABLE, CANCELLED, BAD_INPUT offline */
export async function pullModel(name: HubName, options: PullOptions): Promise<PullOutcome> {
  const { settings, cache, signal, clock = systemClock } = options;
  if (settings.isOffline) throw offline(name);
  const connection = { settings, clock, signal };
  try {
    await makeFolder(cache);
    return await fetchListed(name, await listModel(name, connection), connection, options);
  } catch (error) {
    if (signal.aborted && !(error instanceof KvrError))
      throw new KvrError('CANCELLED', 'the download was cancelled', {}, error);
    throw hubCacheError(error, cache);
  }
}

function offline(name: HubName): KvrError {
  return new KvrError(
    'BAD_INPUT',
    `${hubNameText(name)} is not fetched while offline; leave --offline away, or unset HF_HUB_OFFLINE`,
  );
}

async function fetchListed(
  name: HubName,
  { commit, files }: HubListing,
  connection: HubConnection,
  options: PullOptions,
): Promise<PullOutcome> {
  const folder = repoFolder(options.cache, name.repo);
  const bytes = { fetched: 0 };
  const download = downloadOptions(name, commit, connection, options, bytes);
  const checks = { ...download, memoFolder: options.memoFolder, signal: options.signal };
  const readIndex = (index: HubFile): Promise<unknown> => fetchIndex(index, checks, download);
  const needed = await neededFiles(files, name, readIndex);
  if (needed.kind === 'choose') return { ...needed, commit };
  const states = await checkedStates(onePerContent(needed.files), checks, options);
  await fetchMissing(states, commit, download, options);
  const snapshot = snapshotFolder(folder, commit);
  await makeFolder(snapshot);
  for (const file of needed.files) {
    await showInSnapshot(snapshot, file.path, blobPath(folder, file.digest.hex));
    await rememberBlob(file, folder, options.memoFolder);
  }
  await writeRef(folder, name.revision, commit);
  const there = new Set(states.filter(({ isThere }) => isThere).map(({ file }) => file.digest.hex));
  const listed = needed.files.map((file) => ({
    path: file.path,
    bytes: file.bytes,
    wasThere: there.has(file.digest.hex),
  }));
  return { kind: 'pulled', commit, folder: snapshot, files: listed, fetchedBytes: bytes.fetched };
}

/** Files with the same content share a blob. */
function onePerContent(files: readonly HubFile[]): HubFile[] {
  return [...new Map(files.map((file) => [file.digest.hex, file])).values()];
}

function downloadOptions(
  name: HubName,
  commit: string,
  connection: HubConnection,
  { cache, onWarning = () => undefined }: PullOptions,
  bytes: { fetched: number },
): DownloadOptions {
  return {
    name,
    commit,
    folder: repoFolder(cache, name.repo),
    locks: lockFolder(cache, name.repo),
    connection,
    onBytes: (count) => (bytes.fetched += Math.max(0, count)),
    onRetry: () => undefined,
    onWarning,
    onWait: (pid) => onWarning(`process ${pid} fetches a part of ${name.repo}: it is waited for`),
  };
}

/** Small, and what is to be fetched depends on it, so it is fetched before anything is told. */
async function fetchIndex(index: HubFile, checks: BlobChecks, download: DownloadOptions): Promise<unknown> {
  if (index.bytes > MAX_INDEX_BYTES)
    throw new KvrError(
      'BAD_CHECKPOINT',
      `${index.path} has ${index.bytes} bytes, the most is ${MAX_INDEX_BYTES}; use another model`,
    );
  const { isThere } = await stateOf(index, checks);
  if (!isThere) await downloadBlob(index, download);
  return readJsonFile(blobPath(checks.folder, index.digest.hex), MAX_INDEX_BYTES);
}

async function checkedStates(
  files: readonly HubFile[],
  checks: BlobChecks,
  { onProgress }: PullOptions,
): Promise<FileState[]> {
  const totalBytes = sum(files.map(({ bytes }) => bytes));
  const states: FileState[] = [];
  let doneBytes = 0;
  const onBytes = (bytes: number): void =>
    onProgress?.({ step: 'checking', doneBytes: (doneBytes += bytes), totalBytes });
  for (const file of files) states.push(await stateOf(file, { ...checks, onBytes }));
  return states;
}

async function fetchMissing(
  states: readonly FileState[],
  commit: string,
  download: DownloadOptions,
  { cache, onPlan, onProgress }: PullOptions,
): Promise<void> {
  const missing = states.filter(({ isThere }) => !isThere);
  const totalBytes = sum(states.map(({ file }) => file.bytes));
  let doneBytes = sum(states.map(({ hereBytes }) => hereBytes));
  const plan = {
    commit,
    files: states.length,
    totalBytes,
    fetchBytes: totalBytes - doneBytes,
    freeBytes: await freeBytes(cache),
  };
  onPlan?.(plan);
  checkRoom(plan, cache);
  const controller = new AbortController();
  const signal = AbortSignal.any([download.connection.signal, controller.signal]);
  const watched: DownloadOptions = {
    ...download,
    connection: { ...download.connection, signal },
    onBytes: (bytes) => {
      download.onBytes(bytes);
      onProgress?.({ step: 'fetching', doneBytes: (doneBytes += bytes), totalBytes });
    },
  };
  await atOnce(
    missing,
    FILES_AT_ONCE,
    ({ file }) => downloadBlob(file, watched),
    () => controller.abort(),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
