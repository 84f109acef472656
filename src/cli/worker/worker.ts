/**
 * `kvr worker`: serves a model to engines that name its address with --workers, one after the other or at once, or to the one that it
 * joins, until it is interrupted. It listens beyond this machine only with a key or certificates, or with --insecure.
 */
import { endWorkerProcess, leaveWorkerProcess, startWorkerProcess } from '../../cluster/worker-process.js';
import { shownRoom } from '../../cluster/room/room-address.js';
import { exitStatus, KvrError } from '../../core/errors.js';
import { formatAddress } from '../../link/address.js';
import type { LinkSecurity } from '../../link/security/link-security.js';
import { roomOf } from '../flags/index.js';
import type { Command } from '../run/command.js';
import { type RunContext, runContext } from '../run/engine-run.js';
import { formatPlural, oneLine } from '../terminal/format.js';
import type { Shell } from '../terminal/shell.js';
import { checkFlags, type WorkerFlags, workerFlags } from './worker-flags.js';
import { fetchedModel, ownModel, type WorkerModel } from './worker-model.js';
import { announce } from './worker-presence.js';
import { drainMsOf, leavesPolitely, listenAddress, ownSecurity, settingsOf } from './worker-settings.js';

export const worker: Command<WorkerFlags> = {
  flags: workerFlags,
  epilogue: `Prints one line once it listens or is started, and works until it is interrupted. It works for every engine that names its
address: kvr generate --workers HOST:PORT,HOST:PORT. Give all of them the same --model, --dtype and --chunk-tokens.
Links over a network are TLS where a cluster key is given, to it and to the engines: kvr key > room.key makes one.

With --join it dials a server instead (kvr serve --listen-workers), from behind a NAT or a firewall too, and stays joined: a link that
ends is dialled again. Interrupted, it takes nothing new, finishes what it does, and goes; interrupted again it goes at once. Without
--model it fetches the server's, once, compared with its digests, and keeps it in the cache.

With --cluster it says in a room at a NATS server where it listens, and every engine of that room that runs its model finds it there
(kvr serve --cluster, kvr generate --cluster, …) and dials it. It leaves as one that has joined does. NATS carries no prompts, keys or values.

Examples, on one machine:
  kvr worker --listen 127.0.0.1:7001 --model quote --threads 1 &
  kvr worker --listen 127.0.0.1:7002 --model quote --threads 1 &
  kvr generate --model quote --workers 127.0.0.1:7001,127.0.0.1:7002 --prompt-file story.txt
and of a server on another one:
  kvr worker --join a:7001 --cluster-key-file room.key
and in a room:
  kvr worker --cluster nats://a:4222 --model quote --cluster-key-file room.key`,
  run: runWorker,
};

async function runWorker(flags: WorkerFlags, _argument: string | undefined, shell: Shell): Promise<void> {
  checkFlags(flags);
  const security = ownSecurity(flags);
  const context = runContext(shell, flags);
  const own = await modelOf(flags, security, context);
  const settings = settingsOf(flags, own, security);
  const onStderr = (text: string): unknown => shell.stderr.write(text);
  const started = await startWorkerProcess(settings, { name: 'the worker', onStderr }, shell.signal).catch(
    asOwnError,
  );
  try {
    const presence = announce(flags, started.address, own, settings.threads, context);
    shell.stdout.write(`${greeting(flags, started.address, own, settings.threads)}\n`);
    await Promise.race([started.exited, aborted(shell.signal)]);
    presence?.leave();
    try {
      if (!shell.signal.aborted && started.process.exitCode !== 0) throw started.endError();
      if (leavesPolitely(flags)) await leaveWorkerProcess(started, drainMsOf(flags));
    } finally {
      await presence?.close();
    }
  } finally {
    await endWorkerProcess(started);
  }
}

/** @throws BAD_INPUT, and what opening, compiling and fetching throw */
async function modelOf(
  flags: WorkerFlags,
  security: LinkSecurity | undefined,
  context: RunContext,
): Promise<WorkerModel> {
  const { model, join } = flags;
  if (model !== undefined) return ownModel(flags, model, context);
  if (join) return fetchedModel(flags, join, security, context);
  throw new KvrError('INTERNAL', 'a worker without a model joins nobody');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** An error before the worker listens is about the flags given here, so it is reported as bad input. @throws always */
function asOwnError(error: unknown): never {
  if (!(error instanceof KvrError) || error.code !== 'WORKER_DIED') throw error;
  const { status, reason } = error.fields;
  const asked = new KvrError('BAD_INPUT', String(reason), {}, error);
  throw status === exitStatus(asked) ? asked : error;
}

/** @param address where it listens; empty where it does not */
function greeting(
  flags: WorkerFlags,
  address: string,
  { name, digest, dtype }: WorkerModel,
  threads: number,
): string {
  const room = roomOf(flags);
  const where = [
    room && `is in ${shownRoom(room)}`,
    flags.join && `joins ${formatAddress(flags.join)}`,
    (address !== '' || listenAddress(flags)) && `listens on ${address}`,
  ];
  const parts = [
    `kvr worker ${where.filter((each) => each).join(' and ')}`,
    `model ${oneLine(name)} ${digest.slice(0, 12)}`,
    dtype,
    formatPlural(threads, 'thread'),
  ];
  return parts.join(' · ');
}
