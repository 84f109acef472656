/**
 * What workers over TCP are started with: the compiled model, and the defaults of `kvr worker`.
 */
import { compileWithProgress, openWithProgress } from '../../src/engine/load/load.js';
import type { LocalWorkerSettings } from '../../src/cluster/worker-source.js';
import type { Dtype } from '../../src/core/shape.js';
import { cacheFolder } from '../../src/model/cache/index.js';

const KV_BYTES = 400e6;

export async function workerSettings({
  model,
  dtype,
}: {
  readonly model: string;
  readonly dtype: Dtype;
}): Promise<LocalWorkerSettings> {
  const cache = cacheFolder(undefined);
  const checkpoint = await openWithProgress(model, cache, {});
  try {
    const compiledFolder = await compileWithProgress(checkpoint, dtype, cache, {});
    const limits = { chunkTokens: 512, kvBytesLimit: KV_BYTES, prefixCacheBytes: 0 };
    return { compiledFolder, threads: 1, decodeThreads: 1, ...limits };
  } finally {
    await checkpoint.close();
  }
}
