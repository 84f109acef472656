/**
 * A worker on loopback, as kvr worker starts it, for benchmarks that put something between it and its engine.
 */
import { cacheFolder } from '../../src/model/cache/index.js';
import { startWorkerProcess, type WorkerProcess } from '../../src/cluster/worker-process.js';
import type { Dtype } from '../../src/core/shape.js';
import { compileWithProgress, openWithProgress } from '../../src/engine/load/load.js';
import { DEFAULT_CHUNK_TOKENS } from '../../src/engine/options/options.js';

const KV_BYTES = 2e9;

/** Compiles the model where that is still to be done. End it with endWorkerProcess(). */
export async function startListeningWorker(
  model: string,
  dtype: Dtype,
  name: string,
): Promise<WorkerProcess> {
  const cache = cacheFolder(undefined);
  const checkpoint = await openWithProgress(model, cache, {});
  try {
    const settings = {
      ...{ worker: name, listen: '127.0.0.1:0', threads: 1, decodeThreads: 1, followsStdin: true },
      ...{ chunkTokens: DEFAULT_CHUNK_TOKENS, kvBytesLimit: KV_BYTES, prefixCacheBytes: 0 },
      compiledFolder: await compileWithProgress(checkpoint, dtype, cache, {}),
    };
    return await startWorkerProcess(settings, { name });
  } finally {
    await checkpoint.close();
  }
}
