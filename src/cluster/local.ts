/**
 * Worker processes on this machine, one per rank, over unix sockets (TCP on loopback where there are none). Their
 * socket files are removed as soon as all links stand, so that nothing can be left behind later.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KvrError } from '../core/errors.js';
import { parseAddress } from '../link/address.js';
import { MALLOC_ENV } from '../runtime/malloc-env.js';
import type { WorkerSettings } from '../worker/settings.js';
import { type Cluster, type ClusterWorker, linkAll } from './cluster.js';
import { WorkerHandle } from './worker-handle.js';

/** Workers one machine may be asked for; more would only fight for its cores. */
export const MAX_LOCAL_WORKERS = 64;
/** From start to listening: node has to start, nothing is loaded yet. */
const LISTEN_TIMEOUT_MS = 20_000;
/** A worker that was asked to end and did not is killed. */
const END_TIMEOUT_MS = 1_500;
/** The longest path a unix socket address holds everywhere. */
const MAX_SOCKET_PATH_BYTES = 100;
/** A process's links break a moment before its end is seen, and its end tells why. */
const EXIT_REASON_GRACE_MS = 200;
const STDERR_TAIL_CHARS = 2_000;

export type LocalClusterOptions = {
  readonly workers: number;
  readonly compiledFolder: string;
  readonly threads: number;
  readonly chunkTokens: number;
  readonly kvBytesLimit: number;
  readonly prefixCacheBytes: number;
  readonly signal?: AbortSignal;
};

type LocalWorker = {
  readonly process: ChildProcess;
  readonly handle: WorkerHandle;
  readonly exited: Promise<void>;
};

/** Starts and links workers. @throws what kept one of them from starting; the others are ended then. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<Cluster> {
  if (options.signal?.aborted) throw cancelledStart();
  const folder = await socketFolder();
  const started: Promise<LocalWorker>[] = [];
  for (let rank = 0; rank < options.workers; rank++) started.push(startWorker(options, rank, folder));
  try {
    const locals = await Promise.all(started);
    const readies = await Promise.all(locals.map(({ handle }) => handle.open(options.signal)));
    await linkAll(
      locals.map(({ handle }) => handle),
      options.signal,
    );
    return new LocalCluster(
      locals,
      locals.map(({ handle }, rank) => ({ handle, ready: readies[rank] as ClusterWorker['ready'] })),
    );
  } catch (error) {
    const settled = await Promise.allSettled(started);
    await endAll(settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
    throw options.signal?.aborted ? cancelledStart() : error;
  } finally {
    if (folder) await rm(folder, { recursive: true, force: true });
  }
}

class LocalCluster implements Cluster {
  readonly workers: readonly ClusterWorker[];
  readonly #locals: readonly LocalWorker[];

  constructor(locals: readonly LocalWorker[], workers: readonly ClusterWorker[]) {
    this.#locals = locals;
    this.workers = workers;
  }

  close(): Promise<void> {
    return endAll(this.#locals);
  }
}

async function startWorker(
  options: LocalClusterOptions,
  rank: number,
  folder: string | undefined,
): Promise<LocalWorker> {
  const listen = folder ? `unix:${join(folder, `${rank}.sock`)}` : '127.0.0.1:0';
  const settings: WorkerSettings = {
    ...pickSettings(options),
    worker: `local-${rank}`,
    listen,
    followsStdin: true,
  };
  const child = spawn(process.execPath, [workerEntry(), JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...MALLOC_ENV, ...process.env },
  });
  const stderr = keepTail(child);
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const address = await readAddress(child, rank, stderr, options.signal);
  const handle = new WorkerHandle(`local-${rank}`, parseAddress(address), undefined, EXIT_REASON_GRACE_MS);
  child.once('exit', (code, killedBy) => handle.fail(diedError(rank, code, killedBy, stderr())));
  return { process: child, handle, exited };
}

function pickSettings(
  options: LocalClusterOptions,
): Omit<WorkerSettings, 'worker' | 'listen' | 'followsStdin'> {
  const { compiledFolder, threads, chunkTokens, kvBytesLimit, prefixCacheBytes } = options;
  return { compiledFolder, threads, chunkTokens, kvBytesLimit, prefixCacheBytes };
}

/** The compiled entry, also when this file itself runs as TypeScript source in a unit test. */
function workerEntry(): string {
  const beside = fileURLToPath(new URL('../worker/main.js', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));
}

/** A private folder for socket files, or undefined where unix sockets can not be used. */
async function socketFolder(): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  const roomy = Buffer.byteLength(join(tmpdir(), 'kvr-XXXXXX', '00.sock')) <= MAX_SOCKET_PATH_BYTES;
  return mkdtemp(join(roomy ? tmpdir() : '/tmp', 'kvr-'));
}

/** Waits for the line with the address that a worker prints once it listens; after that it listens to nobody here. */
async function readAddress(
  child: ChildProcess,
  rank: number,
  stderr: () => string,
  signal?: AbortSignal,
): Promise<string> {
  const stop = new AbortController();
  try {
    return await new Promise<string>((resolve, reject) => {
      const late = `worker of rank ${rank} did not listen within ${LISTEN_TIMEOUT_MS} ms`;
      const timer = setTimeout(() => reject(new KvrError('WORKER_HUNG', late)), LISTEN_TIMEOUT_MS);
      stop.signal.addEventListener('abort', () => clearTimeout(timer));
      onAbort(signal, () => reject(cancelledStart()), stop.signal);
      child.once('error', (error) =>
        reject(new KvrError('WORKER_DIED', `worker of rank ${rank} did not start: ${error.message}`)),
      );
      child.once('exit', (code, killedBy) => reject(diedError(rank, code, killedBy, stderr())));
      onFirstLine(child, resolve);
    });
  } catch (error) {
    await kill(child);
    throw error;
  } finally {
    stop.abort();
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  if (isRunning && child.kill('SIGKILL')) await once(child, 'exit');
}

/** Calls `act` when `signal` is aborted or already was, until `until` is aborted. */
function onAbort(signal: AbortSignal | undefined, act: () => void, until: AbortSignal): void {
  if (signal?.aborted) act();
  signal?.addEventListener('abort', act, { once: true, signal: until });
}

function onFirstLine(child: ChildProcess, act: (line: string) => void): void {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) act(text.slice(0, end));
  });
}

function cancelledStart(): KvrError {
  return new KvrError('CANCELLED', 'cancelled while starting workers');
}

function diedError(rank: number, code: number | null, killedBy: string | null, stderr: string): KvrError {
  const how = killedBy ? `was killed by ${killedBy}` : `ended with status ${code}`;
  const why = stderr.trim().split('\n').at(-1);
  return new KvrError('WORKER_DIED', `worker of rank ${rank} ${how}${why ? `: ${why}` : ''}`, { rank });
}

function keepTail(child: ChildProcess): () => string {
  let tail = '';
  child.stderr
    ?.setEncoding('utf8')
    .on('data', (chunk: string) => (tail = (tail + chunk).slice(-STDERR_TAIL_CHARS)));
  return () => tail;
}

async function endAll(locals: readonly LocalWorker[]): Promise<void> {
  await Promise.all(locals.map(endWorker));
}

async function endWorker(local: LocalWorker): Promise<void> {
  local.handle.close();
  local.process.stdin?.end();
  const timer = setTimeout(() => local.process.kill('SIGKILL'), END_TIMEOUT_MS);
  await local.exited;
  clearTimeout(timer);
}
