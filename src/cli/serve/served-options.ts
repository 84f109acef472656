/**
 * From the flags of `kvr serve` to what its engine is loaded with.
 */
import { areFound } from '../../cluster/worker-source.js';
import { KvrError } from '../../core/errors.js';
import type { EngineOptions } from '../../engine/options/options.js';
import { formatAddress } from '../../link/address.js';
import { checkListenReach } from '../../link/reach/listen-reach.js';
import { defined, engineOptions, linkSecurity } from '../flags/index.js';
import type { ServeFlags } from './serve-flags.js';

/** @throws BAD_INPUT */
export function servedOptions(flags: ServeFlags): EngineOptions {
  const { maxRunning, maxWaiting, listenWorkers } = flags;
  // What is said about listening is no matter of a room.
  const { insecure: _, ...others } = flags;
  const options: EngineOptions = {
    ...engineOptions(listenWorkers ? others : flags),
    ...defined({ maxRunning, maxWaiting }),
    preparation: 'threads',
  };
  return { ...options, workers: joinedWorkers(flags) ?? patient(options.workers) };
}

/** A server begins before its workers. */
function patient(workers: EngineOptions['workers']): EngineOptions['workers'] {
  return workers !== undefined && areFound(workers) ? { ...workers, mayBeEmpty: true } : workers;
}

/** @returns undefined where workers are started or dialled */
function joinedWorkers(flags: ServeFlags): EngineOptions['workers'] {
  const { listenWorkers, insecure = false } = flags;
  if (!listenWorkers) return undefined;
  checkAlone(flags);
  checkListenReach('--listen-workers', listenWorkers, linkSecurity(flags), insecure);
  return { listen: formatAddress(listenWorkers), insecure };
}

/** Workers that join were given these where they were started. @throws BAD_INPUT */
function checkAlone(flags: ServeFlags): void {
  const { workers, threads, decodeThreads, kvMemory, prefixCache, prefixCacheDir, cluster } = flags;
  if (cluster !== undefined)
    throw new KvrError(
      'BAD_INPUT',
      '--cluster and --listen-workers exclude each other; with --cluster it is this command that dials',
    );
  if (workers !== undefined)
    throw new KvrError(
      'BAD_INPUT',
      '--workers and --listen-workers exclude each other; a worker of this machine joins like any other',
    );
  const asked = {
    ...{ '--threads': threads, '--decode-threads': decodeThreads },
    ...{ '--kv-memory': kvMemory, '--prefix-cache': prefixCache, '--prefix-cache-dir': prefixCacheDir },
  };
  const given = Object.entries(asked).find(([, value]) => value !== undefined)?.[0];
  if (given === undefined) return;
  throw new KvrError(
    'BAD_INPUT',
    `${given} is for workers this command starts, and those that join were started elsewhere; give ${given} to kvr worker`,
  );
}
