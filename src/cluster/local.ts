/**
 * Worker processes on this machine, one per rank, over unix sockets (TCP on loopback where there are none). Their
 * socket files are removed as soon as all links stand, so that nothing can be left behind later.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress } from '../link/address.js';
import { cancelledStart, type Cluster, type ClusterWorker, linkAll } from './cluster.js';
import { WorkerHandle } from './worker-handle.js';
import { type LocalWorkerSettings, localWorkerId, type WorkerSource } from './worker-source.js';
import { endWorkerProcess, startWorkerProcess, type WorkerProcess } from './worker-process.js';

/** The longest path a unix socket address holds everywhere. */
const MAX_SOCKET_PATH_BYTES = 100;
/** A process's links break a moment before its exit is seen, and the exit says why. */
const EXIT_REASON_GRACE_MS = 200;

type LocalSource = Extract<WorkerSource, { kind: 'local' }>;
type LocalWorker = WorkerProcess & { readonly handle: WorkerHandle };

/** Starts and links workers. @throws what kept one of them from starting; the others are ended then. */
export async function startLocalCluster(
  { count, settings }: LocalSource,
  signal?: AbortSignal,
): Promise<Cluster> {
  if (signal?.aborted) throw cancelledStart();
  const folder = await socketFolder();
  const started: Promise<LocalWorker>[] = [];
  for (let rank = 0; rank < count; rank++) started.push(startWorker(settings, rank, folder, signal));
  try {
    const locals = await Promise.all(started);
    const readies = await Promise.all(locals.map(({ handle }) => handle.open(signal)));
    await linkAll(
      locals.map(({ handle }) => handle),
      signal,
    );
    return new LocalCluster(
      locals,
      locals.map(({ handle }, rank) => ({ handle, ready: readies[rank] as ClusterWorker['ready'] })),
      settings.decodeThreads > settings.threads,
    );
  } catch (error) {
    const settled = await Promise.allSettled(started);
    await endAll(settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
    throw signal?.aborted ? cancelledStart() : error;
  } finally {
    if (folder) await rm(folder, { recursive: true, force: true });
  }
}

class LocalCluster implements Cluster {
  readonly workers: readonly ClusterWorker[];
  readonly allowsAllCoreDecode: boolean;
  readonly #locals: readonly LocalWorker[];

  constructor(
    locals: readonly LocalWorker[],
    workers: readonly ClusterWorker[],
    allowsAllCoreDecode: boolean,
  ) {
    this.#locals = locals;
    this.workers = workers;
    this.allowsAllCoreDecode = allowsAllCoreDecode;
  }

  close(): Promise<void> {
    return endAll(this.#locals);
  }
}

async function startWorker(
  settings: LocalWorkerSettings,
  rank: number,
  folder: string | undefined,
  signal?: AbortSignal,
): Promise<LocalWorker> {
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
  return { ...started, handle };
}

/** A private folder for socket files, or undefined where unix sockets can not be used. */
async function socketFolder(): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  const roomy = Buffer.byteLength(join(tmpdir(), 'kvr-XXXXXX', '00.sock')) <= MAX_SOCKET_PATH_BYTES;
  return mkdtemp(join(roomy ? tmpdir() : '/tmp', 'kvr-'));
}

async function endAll(locals: readonly LocalWorker[]): Promise<void> {
  await Promise.all(
    locals.map((local) => {
      local.handle.close();
      return endWorkerProcess(local);
    }),
  );
}
