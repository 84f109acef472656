/**
 * Worker processes on this machine, one per rank, over unix sockets (TCP on loopback where there are none). A worker's socket
 * file is removed as soon as it is linked to all others, so that nothing can be left behind later; a link that is lost after
 * that can not be opened again, and the worker is started anew.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvrError } from '../core/errors.js';
import { parseAddress } from '../link/address.js';
import { cancelledStart, type Cluster, type WorkerCheck } from './cluster.js';
import type { OpenedWorker } from './member.js';
import { openSupervised } from './supervised-cluster.js';
import { WorkerHandle } from './worker-handle.js';
import type { FilesState, WorkerFiles } from './worker-files.js';
import { localWorkerId, type WorkerSource } from './worker-source.js';
import { endWorkerProcess, startWorkerProcess } from './worker-process.js';

/** The longest path a unix socket address holds everywhere. */
const MAX_SOCKET_PATH_BYTES = 100;
/** A process's links break before its exit is seen, which says why: a moment, but for a machine that is very busy. */
const EXIT_REASON_GRACE_MS = 3_000;

type LocalSource = Extract<WorkerSource, { kind: 'local' }>;

/** Starts and links workers. @throws what kept one of them from starting; the others are ended then */
export async function startLocalCluster(
  { count, settings, files }: LocalSource,
  check: WorkerCheck,
  signal?: AbortSignal,
): Promise<Cluster> {
  if (signal?.aborted) throw cancelledStart();
  const ranks = Array.from({ length: count }, (_, rank) => rank);
  const workers = new Map(
    ranks.map((rank) => [
      localWorkerId(rank),
      (until: AbortSignal) => openOnSoundFiles(settings, files, rank, until),
    ]),
  );
  const allowsAllCoreDecode = settings.decodeThreads > settings.threads;
  const onClose = (): void => files.close();
  return openSupervised({ workers, onLinkRefused: 'give up', allowsAllCoreDecode, check, onClose }, signal);
}

/** The runtime may trip over damaged files before they are read in full: then the worker starts from others. */
async function openOnSoundFiles(
  settings: LocalSource['settings'],
  files: WorkerFiles,
  rank: number,
  signal: AbortSignal,
): Promise<OpenedWorker> {
  const state = await files.open(signal);
  try {
    return await openWorker(settings, state, rank, signal);
  } catch (error) {
    if (signal.aborted || (await state.isSound())) throw error;
    return openWorker(settings, await files.open(signal), rank, signal);
  }
}

async function openWorker(
  settings: LocalSource['settings'],
  files: FilesState,
  rank: number,
  signal: AbortSignal,
): Promise<OpenedWorker> {
  const folder = await socketFolder();
  const removeSocket = async (): Promise<void> => {
    if (folder) await rm(folder, { recursive: true, force: true });
  };
  let end = removeSocket;
  try {
    const listen = folder ? `unix:${join(folder, `${rank}.sock`)}` : '127.0.0.1:0';
    const worker = localWorkerId(rank);
    const own = { ...settings, compiledFolder: files.folder, worker, listen, followsStdin: true };
    const started = await startWorkerProcess(own, { name: `worker of rank ${rank}`, rank }, signal);
    const handle = new WorkerHandle(worker, parseAddress(started.address), undefined, EXIT_REASON_GRACE_MS);
    started.process.once('exit', () => handle.fail(started.endError()));
    end = async () => {
      handle.close();
      await endWorkerProcess(started);
      await removeSocket();
    };
    const linked = async (): Promise<void> => {
      void endIfDamaged(handle, files);
      await removeSocket();
    };
    return { handle, ready: await handle.open(signal), files, linked, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Reads the files behind the worker's back, once it is there and has nothing to do. */
async function endIfDamaged(handle: WorkerHandle, files: FilesState): Promise<void> {
  if (await files.isSound()) return;
  const message = `the compiled model ${files.folder} is damaged on disk, its workers were ended; ask again, it is made anew`;
  handle.fail(new KvrError('CACHE_DAMAGED', message));
}

/** A private folder for socket files, or undefined where unix sockets can not be used. */
async function socketFolder(): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  const roomy = Buffer.byteLength(join(tmpdir(), 'kvr-XXXXXX', '00.sock')) <= MAX_SOCKET_PATH_BYTES;
  return mkdtemp(join(roomy ? tmpdir() : '/tmp', 'kvr-'));
}
