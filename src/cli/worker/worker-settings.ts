/**
 * From the flags of `kvr worker` to what its process is started with, and where it may listen.
 */
import { availableParallelism } from 'node:os';
import { KvrError } from '../../core/errors.js';
import { defaultKvBytes, defaultPrefixCacheBytes, prefixDiskOf } from '../../engine/options/defaults.js';
import { type Address, formatAddress, isLoopback } from '../../link/address.js';
import type { LinkSecurity } from '../../link/security/link-security.js';
import type { WorkerSettings } from '../../worker/protocol/settings.js';
import { checkPrefixDisk, prefixDiskOptions } from '../flags/engine-options.js';
import { serverHost } from '../../cluster/room/room-address.js';
import { checkListenReach, linkSecurity, roomOf } from '../flags/index.js';
import { DEFAULT_DRAIN_S, nameOf, type WorkerFlags } from './worker-flags.js';
import type { WorkerModel } from './worker-model.js';

const BYTES_PER_MB = 1e6;

/** @throws BAD_INPUT where the worker would listen beyond this machine, or dial beyond it, without anything that secures it */
export function ownSecurity(flags: WorkerFlags): LinkSecurity | undefined {
  const security = linkSecurity(flags);
  const isInsecure = flags.insecure === true;
  if (flags.join) checkListenReach('--join', flags.join, security, isInsecure);
  checkAdvertised(flags);
  const listen = listenAddress(flags);
  if (listen) checkListenReach('--listen', listen, security, isInsecure);
  return security;
}

/** @throws BAD_INPUT for an address that nobody can dial */
function checkAdvertised({ advertise }: WorkerFlags): void {
  if (!advertise || (advertise.kind === 'tcp' && advertise.host !== '0.0.0.0' && advertise.host !== '::'))
    return;
  throw new KvrError(
    'BAD_INPUT',
    `--advertise ${formatAddress(advertise)} is nothing that others can dial; give the host's name or address`,
  );
}

/** One that joins or is found listens too: at a free port, as far as the server or the room is away. */
export function listenAddress(flags: WorkerFlags): Address | undefined {
  const { listen, join } = flags;
  if (listen) return listen;
  const room = roomOf(flags);
  const other = room ? serverHost(room) : join?.kind === 'tcp' ? join.host : undefined;
  if (listen === false || other === undefined) return undefined;
  return { kind: 'tcp', host: isLoopback(other) ? '127.0.0.1' : '0.0.0.0', port: 0 };
}

/** Whether it tells engines that it goes, and finishes what it does. */
export function leavesPolitely({ join, cluster }: WorkerFlags): boolean {
  return join !== undefined || cluster !== undefined;
}

export function drainMsOf({ drain = DEFAULT_DRAIN_S }: WorkerFlags): number {
  return 1000 * drain;
}

export function settingsOf(
  flags: WorkerFlags,
  { folder, chunkTokens }: WorkerModel,
  security: LinkSecurity | undefined,
): WorkerSettings {
  const { join, kvMemory } = flags;
  const kvBytesLimit = kvMemory === undefined ? defaultKvBytes(1) : kvMemory * BYTES_PER_MB;
  const listen = listenAddress(flags);
  return {
    // Engines name a worker by the address they reach it at; this name is used where an engine gives none.
    worker: listen ? formatAddress(listen) : nameOf(flags),
    ...(listen && { listen: formatAddress(listen) }),
    ...(join && { join: { address: formatAddress(join), name: nameOf(flags) } }),
    ...(leavesPolitely(flags) && { drainMs: drainMsOf(flags) }),
    compiledFolder: folder,
    ...ownThreads(flags.threads ?? availableParallelism()),
    chunkTokens,
    kvBytesLimit,
    ...prefixSettings(flags, kvBytesLimit),
    followsStdin: true,
    ...(security && { security }),
  };
}

/** @throws BAD_INPUT for flags that do not go together */
function prefixSettings(
  flags: WorkerFlags,
  kvMemoryBytes: number,
): Pick<WorkerSettings, 'prefixCacheBytes' | 'prefixDisk'> {
  checkPrefixDisk(flags);
  const asked = flags.prefixCache === undefined ? undefined : flags.prefixCache * BYTES_PER_MB;
  const prefixDisk = prefixDiskOf({ prefixCacheBytes: asked, ...prefixDiskOptions(flags) });
  const unasked = prefixDisk ? defaultPrefixCacheBytes(1, kvMemoryBytes) : 0;
  return { prefixCacheBytes: asked ?? unasked, ...(prefixDisk && { prefixDisk }) };
}

/** Several engines may use it at once, so none can know whether the machine's other cores are free. */
function ownThreads(threads: number): Pick<WorkerSettings, 'threads' | 'decodeThreads'> {
  return { threads, decodeThreads: threads };
}
