/**
 * From an engine's options to what it works with. What was started is closed again when a later step fails.
 */
import type { Cluster } from '../cluster/cluster.js';
import { openCluster } from '../cluster/open-cluster.js';
import { KvrError } from '../core/errors.js';
import type { Dtype } from '../core/shape.js';
import { cacheFolder } from '../model/cache/index.js';
import { CalibrationStore } from './partition/calibration-store.js';
import { type LoadedModel, loadModel } from './load/load.js';
import { misfit } from './load/misfit.js';
import {
  type EngineHooks,
  type EngineOptions,
  engineOptionsSchema,
  type EngineSettings,
} from './options/options.js';
import { parseOptions } from './options/parse-options.js';
import { RunningChain } from './chain/running-chain.js';
import type { EngineParts } from './queue/engine-parts.js';

/** @throws as Engine.load */
export async function loadParts(options: EngineOptions): Promise<EngineParts> {
  const { signal, onProgress, onChoice, onCompiled, ...given } = options;
  const asked = parseOptions(engineOptionsSchema, given, 'engine options');
  const hooks: EngineHooks = {
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    ...(onChoice && { onChoice }),
    ...(onCompiled && { onCompiled }),
  };
  const { model, source } = await loadModel(asked, hooks);
  const cluster = await openCluster(source, (worker) => misfit(worker, model, asked), signal);
  const settings = { ...asked, dtype: dtypeOf(cluster) };
  const chain = new RunningChain(cluster, settings.maxRunning);
  try {
    const calibration =
      settings.calibrate === false ? undefined : await openCalibration(cluster, model, settings, hooks);
    return { model, settings, chain, calibration };
  } catch (error) {
    await chain.close();
    throw error;
  }
}

/** All workers of a chain have the same. */
function dtypeOf({ workers }: Cluster): Dtype {
  const [first] = workers;
  if (!first) throw new KvrError('INTERNAL', 'a chain has no workers');
  return first.ready.dtype;
}

function openCalibration(
  { workers }: Cluster,
  { shape }: LoadedModel,
  { cacheDir, chunkTokens, kvDtype, calibrate }: EngineSettings,
  { signal, onProgress }: EngineHooks,
): Promise<CalibrationStore> {
  return CalibrationStore.open(workers, {
    cacheFolder: cacheFolder(cacheDir),
    shape,
    chunkTokens,
    kvDtype,
    isFresh: calibrate === 'fresh',
    ...(signal && { signal }),
    ...(onProgress && { onMeasure: () => onProgress('measuring the workers', 0) }),
  });
}
