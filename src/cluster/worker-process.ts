/**
 * A worker as a process of its own on this machine: started, waited for until it listens, and ended. It ends by itself
 * when its standard input does, which the system closes however this process dies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KvrError } from '../core/errors.js';
import { MALLOC_ENV } from '../runtime/sessions/malloc-env.js';
import { cancelledStart } from './cluster.js';
import type { WorkerSettings } from '../worker/protocol/settings.js';
import { StderrTail } from './stderr-tail.js';

/** From start to listening: seconds of a busy machine, since node has to start; nothing of the model is loaded yet. */
const LISTEN_TIMEOUT_MS = 60_000;
/** A worker that was asked to end and did not is killed. */
const END_TIMEOUT_MS = 1_500;
/**
 * Collects garbage at once and on its own thread. What calls leave behind is a few large buffers beside a heap of 9 MB;
 * marking that little by little, on four helper threads, took more from the kernels than it gave: TTFT of 2,048 tokens,
 * 8 layers of 2048×5632, 2 workers × 1 thread, w8a8, 2,390 → 2,243 ms; 1 × 2, 2,300 → 2,162 ms (measured, medians).
 * `gc` is for worker/threads/idle-collection.ts.
 */
const V8_FLAGS = ['--single-threaded-gc', '--no-incremental-marking', '--expose-gc'];

export type WorkerProcess = {
  readonly process: ChildProcess;
  /** Where it listens, with the port the system chose where 0 was asked for. */
  readonly address: string;
  readonly exited: Promise<void>;
  /** The error that its exit means; call it once it has exited. */
  readonly endError: () => KvrError;
};

/** The worker's name in errors, and its rank. */
export type WorkerName = {
  readonly name: string;
  readonly rank?: number;
  /** Gets what it says while it works. */
  readonly onStderr?: (text: string) => void;
};

/**
 * @param settings followsStdin must hold, or the worker may outlive this process
 * @throws WORKER_DIED, WORKER_HUNG, CANCELLED; the process is gone then
 */
export async function startWorkerProcess(
  settings: WorkerSettings,
  named: WorkerName,
  signal?: AbortSignal,
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [...V8_FLAGS, workerEntry(), JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...MALLOC_ENV, ...process.env },
  });
  const stderr = keepTail(child, named.onStderr);
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const endError = (): KvrError => diedError(named, child, stderr());
  const address = await readAddress(child, named, endError, signal);
  return { process: child, address, exited, endError };
}

/** Asks it to end, and kills it where it does not within a moment. */
export async function endWorkerProcess({ process: child, exited }: WorkerProcess): Promise<void> {
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

/**
 * Asks one that has joined an engine to leave, and waits for as long as it may finish what it does. The caller ends it afterwards
 * whatever it did.
 */
export async function leaveWorkerProcess(
  { process: child, exited }: WorkerProcess,
  drainMs: number,
): Promise<void> {
  child.kill('SIGTERM');
  await Promise.race([exited, pause(drainMs, undefined, { ref: false })]);
}

/** The compiled entry, also when this file itself runs as TypeScript source in a unit test. */
function workerEntry(): string {
  const beside = fileURLToPath(new URL('../worker/main.js', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));
}

/** Waits for the line with the address that a worker prints once it listens; after that it listens to nobody here. */
async function readAddress(
  child: ChildProcess,
  { name }: WorkerName,
  endError: () => KvrError,
  signal?: AbortSignal,
): Promise<string> {
  const stop = new AbortController();
  try {
    return await new Promise<string>((resolve, reject) => {
      const late = `${name} did not listen within ${LISTEN_TIMEOUT_MS} ms`;
      const timer = setTimeout(() => reject(new KvrError('WORKER_HUNG', late)), LISTEN_TIMEOUT_MS);
      stop.signal.addEventListener('abort', () => clearTimeout(timer));
      onAbort(signal, () => reject(cancelledStart()), stop.signal);
      child.once('error', (error) =>
        reject(new KvrError('WORKER_DIED', `${name} did not start: ${error.message}`)),
      );
      child.once('exit', () => reject(endError()));
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

function diedError({ name, rank }: WorkerName, child: ChildProcess, stderr: string): KvrError {
  const { exitCode, signalCode } = child;
  const how = signalCode ? `was killed by ${signalCode}` : `ended with status ${exitCode}`;
  const reason = stderr.trim().split('\n').at(-1) || undefined;
  const fields = {
    ...(rank !== undefined && { rank }),
    ...(exitCode !== null && { status: exitCode }),
    reason,
  };
  return new KvrError('WORKER_DIED', `${name} ${how}${reason ? `: ${reason}` : ''}`, fields);
}

function keepTail(child: ChildProcess, onText: ((text: string) => void) | undefined): () => string {
  const tail = new StderrTail((line) => onText?.(line));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => tail.push(chunk));
  return () => tail.text;
}
