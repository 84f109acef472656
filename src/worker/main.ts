/**
 * Entry of a worker process. Listens, works until it is told to end or its parent is gone, and leaves nothing behind.
 */
import '../runtime/sessions/no-telemetry.js';
import { dirname } from 'node:path';
import { rmdirSync, unlinkSync } from 'node:fs';
import { asKvrError, exitStatus, type KvrError } from '../core/errors.js';
import { formatAddress, parseAddress } from '../link/address.js';
import { openTransports } from '../link/open-transport.js';
import { WorkerNode } from './network/worker-node.js';
import { parseWorkerSettings, type WorkerSettings } from './protocol/settings.js';

/** A kernel call can not be interrupted; a worker that is told to end does not wait for a long one. */
const CLOSE_TIMEOUT_MS = 400;

async function main(settings: WorkerSettings): Promise<void> {
  const address = settings.listen === undefined ? undefined : parseAddress(settings.listen);
  const transportOf = await openTransports(settings.security);
  let isEnding = false;
  const end = (reason?: KvrError): void => {
    if (isEnding) return;
    isEnding = true;
    // A parent that still listens puts this line into its own error.
    if (reason) process.stderr.write(`${reason.message}\n`);
    if (address?.kind === 'unix') removeSocket(address.path);
    // process.exit would wait for the compute thread, whose kernel call may last; the system clears up for us.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), CLOSE_TIMEOUT_MS);
    void node.close().then(() => process.exit(reason ? exitStatus(reason) : 0));
  };
  const node = new WorkerNode(settings, transportOf, end);
  let isLeaving = false;
  /** Politely. Whoever ends a group of processes tells it twice; at once it ends with its parent. */
  const leave = (drainMs: number): void => {
    if (isLeaving) return;
    isLeaving = true;
    void node.leave(AbortSignal.timeout(drainMs)).then(() => end());
  };
  const parentIsGone = (): void => end();
  if (settings.followsStdin) process.stdin.on('end', parentIsGone).on('error', parentIsGone).resume();
  // A parent that dies while we start is noticed by whichever pipe is used first.
  process.stdout.on('error', parentIsGone);
  process.stderr.on('error', parentIsGone);
  process.on('SIGTERM', () => (settings.drainMs === undefined ? end() : leave(settings.drainMs)));
  // Ctrl-C reaches the whole group of processes; a worker with a parent leaves the decision to it.
  process.on('SIGINT', () => settings.followsStdin || end());
  const bound = address && (await node.listen(address));
  process.stdout.write(`${bound ? formatAddress(bound) : ''}\n`);
  node.join(bound);
}

/** Removes the socket, and its folder when it was the last one in it. */
function removeSocket(path: string): void {
  for (const remove of [() => unlinkSync(path), () => rmdirSync(dirname(path))]) {
    try {
      remove();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTEMPTY') process.stderr.write(`kvr worker: ${String(error)}\n`);
    }
  }
}

try {
  await main(parseWorkerSettings(process.argv[2]));
} catch (error) {
  process.stderr.write(`${asKvrError(error).message}\n`);
  process.exit(exitStatus(error));
}
