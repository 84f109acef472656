/**
 * Worker processes on this machine, one per rank, over unix sockets (TCP on loopback where there are none). A worker's socket
 * file is removed as soon as it is linked to all others, so that nothing can be left behind later; a link that is lost after
 * that can not be opened again, and the worker is started anew.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress } from '../link/address.js';
import { cancelledStart, type Cluster, type WorkerCheck } from './cluster.js';
import type { OpenedWorker } from './member.js';
import { openSupervised } from './supervised-cluster.js';
import { WorkerHandle } from './worker-handle.js';
import { type LocalWorkerSettings, localWorkerId, type WorkerSource } from './worker-source.js';
import { endWorkerProcess, startWorkerProcess } from './worker-process.js';

/** The longest path a unix socket address holds everywhere. */
const MAX_SOCKET_PATH_BYTES = 100;
/** A process's links break a moment before its exit is seen, and the exit says why. */
const EXIT_REASON_GRACE_MS = 200;

type LocalSource = Extract<WorkerSource, { kind: 'local' }>;

/** Starts and links workers. @throws what kept one of them from starting; the others are ended then */
export async function startLocalCluster(
  { count, settings }: LocalSource,
  check: WorkerCheck,
  signal?: AbortSignal,
): Promise<Cluster> {
  if (signal?.aborted) throw cancelledStart();
  const ranks = Array.from({ length: count }, (_, rank) => rank);
  const workers = new Map(
    ranks.map((rank) => [localWorkerId(rank), (until: AbortSignal) => openWorker(settings, rank, until)]),
  );
  const allowsAllCoreDecode = settings.decodeThreads > settings.threads;
  return openSupervised({ workers, onLinkRefused: 'give up', allowsAllCoreDecode, check }, signal);
}

async function openWorker(
  settings: LocalWorkerSettings,
  rank: number,
  signal: AbortSignal,
): Promise<OpenedWorker> {
  const folder = await socketFolder();
  const linked = async (): Promise<void> => {
    if (folder) await rm(folder, { recursive: true, force: true });
  };
  let end = linked;
  try {
    const listen = folder ? `unix:${join(folder, `${rank}.sock`)}` : '127.0.0.1:0';
    const worker = localWorkerId(rank);
    const named = { name: `worker of rank ${rank}`, rank };
    const started = await startWorkerProcess(
      { ...settings, worker, listen, followsStdin: true },
      named,
      signal,
    );
    const handle = new WorkerHandle(worker, parseAddress(started.address), undefined, EXIT_REASON_GRACE_MS);
    started.process.once('exit', () => handle.fail(started.endError()));
    end = async () => {
      handle.close();
      await endWorkerProcess(started);
      await linked();
    };
    return { handle, ready: await handle.open(signal), linked, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A private folder for socket files, or undefined where unix sockets can not be used. */
async function socketFolder(): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  const roomy = Buffer.byteLength(join(tmpdir(), 'kvr-XXXXXX', '00.sock')) <= MAX_SOCKET_PATH_BYTES;
  return mkdtemp(join(roomy ? tmpdir() : '/tmp', 'kvr-'));
}
