/**
 * From the flags of `kvr serve` to what its engine is loaded with.
 */
import { KvrError } from '../../core/errors.js';
import type { EngineOptions } from '../../engine/options/options.js';
import { formatAddress } from '../../link/address.js';
import { checkListenReach } from '../../link/reach/listen-reach.js';
import { defined, engineOptions, linkSecurity } from '../flags/index.js';
import type { ServeFlags } from './serve-flags.js';

/** @throws BAD_INPUT */
export function servedOptions(flags: ServeFlags): EngineOptions {
  const { maxRunning, maxWaiting } = flags;
  const options: EngineOptions = {
    ...engineOptions(flags),
    ...defined({ maxRunning, maxWaiting }),
    preparation: 'threads',
  };
  return { ...options, workers: joinedWorkers(flags) ?? options.workers };
}

/** @returns undefined where workers are started or dialled */
function joinedWorkers(flags: ServeFlags): EngineOptions['workers'] {
  const { listenWorkers, insecure = false } = flags;
  if (!listenWorkers && insecure)
    throw new KvrError('BAD_INPUT', '--insecure is about --listen-workers; give both or none');
  if (!listenWorkers) return undefined;
  checkAlone(flags);
  checkListenReach('--listen-workers', listenWorkers, linkSecurity(flags), insecure);
  return { listen: formatAddress(listenWorkers), insecure };
}

/** Workers that join were given these where they were started. @throws BAD_INPUT */
function checkAlone(flags: ServeFlags): void {
  const { workers, threads, decodeThreads, kvMemory, prefixCache, prefixCacheDir } = flags;
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
