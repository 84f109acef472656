/**
 * Local workers on files that are what was written. A compiled model that is gone or damaged is made again before workers
 * start; while they start and run their first request the weights are read once more beside them, since that takes a second
 * for 2 GB, and no answer leaves before it is known that they are whole.
 */
import type { Cluster, StartCluster } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import { damageWords, discardFolder, findDamage, type OnDamage } from '../../model/cache/index.js';

export type SoundWorkersOptions = {
  /** Makes the compiled folder where it is missing or its graphs are damaged. @returns its path */
  readonly compile: (signal?: AbortSignal) => Promise<string>;
  /** Starts workers on it. */
  readonly start: (compiledFolder: string, signal?: AbortSignal) => Promise<Cluster>;
  readonly onDamage: OnDamage;
};

/** @returns a start of workers whose cluster says, in `isSound`, whether its files are whole */
export function soundWorkers({ compile, start, onDamage }: SoundWorkersOptions): StartCluster {
  const discard = async (folder: string, damage: string): Promise<void> => {
    onDamage(damageWords(folder, damage));
    await discardFolder(folder);
  };
  const startOnce = async (signal?: AbortSignal): Promise<Cluster> => {
    const folder = await compile(signal);
    try {
      return watched(await start(folder, signal), folder, discard);
    } catch (error) {
      // The runtime may trip over damaged weights before they are read in full.
      const damage = signal?.aborted ? undefined : await findDamage(folder, signal && { signal });
      if (damage === undefined) throw error;
      await discard(folder, damage);
      return watched(await start(await compile(signal), signal), folder, discard);
    }
  };
  return startOnce;
}

/** Reads the files behind the workers' backs; on damage takes the files away and ends the workers, so that both are made again. */
function watched(
  cluster: Cluster,
  folder: string,
  discard: (folder: string, damage: string) => Promise<void>,
): Cluster {
  const closing = new AbortController();
  const check = async (): Promise<boolean> => {
    const damage = await findDamage(folder, { signal: closing.signal });
    if (damage === undefined) return true;
    await discard(folder, damage);
    return false;
  };
  const isSound = check()
    .catch(() => false)
    .then((isWhole) => {
      if (!isWhole) failAll(cluster, folder);
      return isWhole;
    });
  return {
    workers: cluster.workers,
    allowsAllCoreDecode: cluster.allowsAllCoreDecode,
    isSound,
    close: () => {
      closing.abort();
      return cluster.close();
    },
  };
}

function failAll({ workers }: Cluster, folder: string): void {
  const message = `the compiled model ${folder} is damaged on disk, its workers were ended; ask again, it is made anew`;
  for (const { handle } of workers) if (!handle.isEnded) handle.fail(new KvrError('CACHE_DAMAGED', message));
}
