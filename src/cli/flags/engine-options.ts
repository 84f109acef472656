/**
 * From flags to what the engine is loaded with, in its units. What was not given is left to its own defaults.
 */
import { areStartedHere, MAX_LOCAL_WORKERS } from '../../cluster/worker-source.js';
import { KvrError } from '../../core/errors.js';
import type { EngineOptions } from '../../engine/options/options.js';
import type { ChainFlags } from './chain.js';
import { defined } from './defined.js';
import { notEmpty } from './kinds.js';
import type { ModelFlags } from './machine.js';
import { roomOption } from './room.js';
import { linkSecurity } from './security.js';

const BYTES_PER_MB = 1e6;
const BYTES_PER_GB = 1e9;

/** @throws BAD_INPUT */
export function engineOptions(flags: ModelFlags & ChainFlags): EngineOptions {
  const { model, threads, decodeThreads, dtype, kvDtype, kvWire, cacheDir } = flags;
  const { samplingDefaults, byteTokens, chunkTokens, kvMemory, prefixCache, calibrate } = flags;
  checkOwnWorkers(flags);
  checkPrefixDisk(flags);
  const options = {
    threads,
    decodeThreads,
    dtype,
    kvDtype,
    kvWire,
    samplingDefaults,
    byteTokens,
    cacheDir,
    chunkTokens,
    calibrate,
    security: linkSecurity(flags),
    kvMemoryBytes: kvMemory && kvMemory * BYTES_PER_MB,
    prefixCacheBytes: prefixCache === undefined ? undefined : prefixCache * BYTES_PER_MB,
    ...prefixDiskOptions(flags),
  };
  const workers = roomOption(flags) ?? workersOf(flags);
  return { model: notEmpty('--model', model), workers, ...defined(options) };
}

/** As the engine's options and `kvr worker` take them. */
export function prefixDiskOptions({ prefixCacheDir, prefixCacheDisk }: PrefixDiskFlags) {
  return {
    prefixCacheDir: prefixCacheDir === undefined ? undefined : notEmpty('--prefix-cache-dir', prefixCacheDir),
    prefixDiskBytes: prefixCacheDisk === undefined ? undefined : Math.floor(prefixCacheDisk * BYTES_PER_GB),
  };
}
type PrefixDiskFlags = Pick<ModelFlags, 'prefixCacheDir' | 'prefixCacheDisk'>;

/** @throws BAD_INPUT for a size without a folder */
export function checkPrefixDisk({ prefixCacheDir, prefixCacheDisk }: PrefixDiskFlags): void {
  if (prefixCacheDisk === undefined || prefixCacheDir !== undefined) return;
  throw new KvrError('BAD_INPUT', '--prefix-cache-disk needs a folder; give --prefix-cache-dir too');
}

/** Workers that run already were given these where they were started. @throws BAD_INPUT */
function checkOwnWorkers(flags: ModelFlags): void {
  const where = runningWorkers(flags);
  if (where === undefined) return;
  const { threads, decodeThreads, kvMemory, prefixCache, prefixCacheDir } = flags;
  if (decodeThreads !== undefined)
    throw new KvrError(
      'BAD_INPUT',
      '--decode-threads is for workers this command starts; those that run already decode with the --threads they were started with',
    );
  const asked = {
    ...{ '--threads': threads, '--kv-memory': kvMemory },
    ...{ '--prefix-cache': prefixCache, '--prefix-cache-dir': prefixCacheDir },
  };
  const given = Object.entries(asked).find(([, value]) => value !== undefined)?.[0];
  if (given === undefined) return;
  throw new KvrError(
    'BAD_INPUT',
    `${given} is for workers this command starts, and ${where} ones that run already; give ${given} to kvr worker`,
  );
}

/** Undefined where workers are started here. @throws BAD_INPUT for flags that exclude each other */
function runningWorkers({ workers, cluster }: ModelFlags): string | undefined {
  if (cluster !== undefined && workers !== undefined)
    throw new KvrError(
      'BAD_INPUT',
      '--workers and --cluster exclude each other; name the workers, or let them be found',
    );
  if (cluster !== undefined) return '--cluster finds';
  return workers === undefined || areStartedHere(workers) ? undefined : '--workers names';
}

/** Sizes say how many workers they are for; the engine's bound holds for them too. */
function workersOf({ workers, partition }: ModelFlags & ChainFlags): number | string[] {
  if (workers !== undefined) return workers;
  if (!Array.isArray(partition)) return 1;
  if (partition.length <= MAX_LOCAL_WORKERS) return partition.length;
  throw new KvrError(
    'BAD_INPUT',
    `--partition has ${partition.length} sizes, but there are at most ${MAX_LOCAL_WORKERS} workers; give fewer sizes`,
  );
}
