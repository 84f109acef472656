/**
 * Fetches one file of the hub into its blob: goes on where an earlier attempt ended, and keeps nothing that has not the digest
 * that the hub named. Two programs of ours take turns at the same blob.
 */
import { dirname, join } from 'node:path';
import { KvrError } from '../../core/errors.js';
import { makeFolder } from '../cache/files/make-folder.js';
import { tryLock } from '../cache/lock.js';
import { blobPath, fileBytes, partialPath } from './storage/cache-layout.js';
import type { HubFile } from './names/hub-file.js';
import { waitFor } from './network/hub-clock.js';
import { type HubConnection, type HubResponse, request } from './network/hub-http.js';
import type { HubName } from './names/names.js';
import { PartialFile } from './storage/partial-file.js';
import { PassingFault } from './network/passing-fault.js';
import { refusalOf } from './network/refusals.js';
import { withRetries } from './network/retries.js';

/** How often a process that waits for another's download looks again. */
const LOCK_POLL_MS = 200;
/** One wrong digest may be damage on the way or an old partial file; another one is the hub's. */
const MAX_WRONG_DIGESTS = 2;
/** The status of a range that a file does not have. */
const UNSATISFIABLE = 416;

export type DownloadOptions = {
  readonly name: HubName;
  readonly commit: string;
  /** Of the model, in the cache. */
  readonly folder: string;
  readonly locks: string;
  readonly connection: HubConnection;
  /** Bytes that were fetched, or that turned out to be wrong, as a negative number. */
  readonly onBytes: (bytes: number) => void;
  readonly onRetry: (reason: string, waitMs: number) => void;
  readonly onWarning: (words: string) => void;
  readonly onWait: (pid: number) => void;
};

/** Makes the file's blob where it is not there yet. @throws HUB_*, MODEL_NOT_FOUND, CANCELLED, and what the file system reports */
export async function downloadBlob(file: HubFile, options: DownloadOptions): Promise<void> {
  const { folder, locks } = options;
  const blob = blobPath(folder, file.digest.hex);
  await makeFolder(dirname(blob));
  await makeFolder(locks);
  const release = await takeLock(join(locks, `${file.digest.hex}.kvr.lock`), options);
  try {
    // Another may have fetched it while this one waited.
    if ((await fileBytes(blob)) === file.bytes) return;
    await fetchBlob(file, blob, options);
  } finally {
    await release();
  }
}

async function takeLock(path: string, { connection, onWait }: DownloadOptions): Promise<() => Promise<void>> {
  for (let hasTold = false; ;) {
    const lock = await tryLock(path);
    if (lock.taken) return () => lock.release();
    if (lock.holder && !hasTold) onWait(lock.holder.pid);
    hasTold ||= lock.holder !== undefined;
    await waitFor(connection.clock, LOCK_POLL_MS, connection.signal).catch((error: unknown) => {
      throw new KvrError('CANCELLED', 'the download was cancelled', {}, error);
    });
  }
}

async function fetchBlob(file: HubFile, blob: string, options: DownloadOptions): Promise<void> {
  const { clock, signal } = options.connection;
  const host = new URL(options.connection.settings.endpoint).host;
  const partial = await PartialFile.open(partialPath(options.folder, file.digest.hex), file, signal);
  try {
    for (let wrong = 1; ; wrong++) {
      await withRetries({ host, clock, signal, onRetry: options.onRetry }, (gotOn) =>
        appendRest(partial, file, options, gotOn),
      );
      if (await partial.finish(blob)) return;
      options.onBytes(-file.bytes);
      if (wrong === MAX_WRONG_DIGESTS) throw wrongDigest(file, host);
      options.onWarning(`${file.path} does not have the digest that ${host} names: it is fetched anew`);
    }
  } finally {
    await partial.close();
  }
}

function wrongDigest({ path, digest }: HubFile, host: string): KvrError {
  const message = `${path} came from ${host} ${MAX_WRONG_DIGESTS} times without the digest that it names (${digest.hex.slice(0, 12)}…), and is not kept; ask again later`;
  return new KvrError('HUB_BAD_ANSWER', message, { path });
}

async function appendRest(
  partial: PartialFile,
  file: HubFile,
  options: DownloadOptions,
  gotOn: () => void,
): Promise<void> {
  if (partial.isComplete) return;
  const answer = await askFrom(partial.bytes, file, options);
  try {
    if (answer.response.status !== 206 && partial.bytes > 0) {
      options.onBytes(-partial.bytes);
      await partial.restart();
    }
    checkAnswer(answer.response, partial.bytes, file);
    for await (const chunk of answer.bytes()) {
      if (partial.bytes + chunk.length > file.bytes) throw tooLong(file);
      await partial.append(chunk);
      options.onBytes(chunk.length);
      gotOn();
    }
  } finally {
    answer.end();
  }
  if (!partial.isComplete)
    throw new PassingFault(`${file.path} ended after ${partial.bytes} of ${file.bytes} bytes`);
}

/** The hub's address is asked each time: where it leads to holds for an hour only. */
async function askFrom(start: number, file: HubFile, options: DownloadOptions): Promise<HubResponse> {
  const { name, commit, connection } = options;
  const { endpoint, token } = connection.settings;
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  const range: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
  // Compressed, a length would not be the file's.
  const headers = { ...range, 'accept-encoding': 'identity' };
  const answer = await request(`${endpoint}/${name.repo}/resolve/${commit}/${path}`, headers, connection);
  if ([200, 206, UNSATISFIABLE].includes(answer.response.status)) return answer;
  answer.end();
  throw refusalOf(answer.response, { ...name, path: file.path, endpoint, hasToken: token !== undefined });
}

/** @throws PassingFault, HUB_BAD_ANSWER where the answer is about other bytes than those that were asked for */
function checkAnswer({ status, headers }: Response, start: number, file: HubFile): void {
  if (status === UNSATISFIABLE) throw new PassingFault(`no range of ${file.path} from byte ${start} on`);
  if (status === 206) {
    const [, first, all] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(first) !== start) throw new PassingFault(`another range of ${file.path} than was asked for`);
    if (all !== '*' && Number(all) !== file.bytes) throw otherLength(file, all);
    return;
  }
  const length = headers.get('content-length');
  if (length !== null && Number(length) !== file.bytes) throw otherLength(file, length);
}

function otherLength(file: HubFile, bytes: string | undefined): KvrError {
  return new KvrError(
    'HUB_BAD_ANSWER',
    `${file.path} has ${bytes} bytes, and is listed with ${file.bytes}; it may have been changed just now, so ask again`,
  );
}

function tooLong(file: HubFile): KvrError {
  return new KvrError(
    'HUB_BAD_ANSWER',
    `${file.path} does not end after the ${file.bytes} bytes that it is listed with`,
  );
}
