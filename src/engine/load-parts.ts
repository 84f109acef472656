/**
 * From an engine's options to what it works with. What was started is closed again when a later step fails.
 */
import type { Cluster, StartCluster } from '../cluster/cluster.js';
import { KvrError } from '../core/errors.js';
import type { Dtype } from '../core/shape.js';
import { cacheFolder } from '../model/cache/index.js';
import { CalibrationStore } from './partition/calibration-store.js';
import { type LoadedModel, loadModel } from './load/load.js';
import {
  type AskedSettings,
  type EngineHooks,
  type EngineOptions,
  engineOptionsSchema,
  type EngineSettings,
  warningOf,
} from './options/options.js';
import { parseOptions } from './options/parse-options.js';
import { RunningChain } from './chain/running-chain.js';
import type { EngineParts } from './queue/engine-parts.js';

/** @throws as Engine.load */
export async function loadParts(options: EngineOptions): Promise<EngineParts> {
  const { signal, onProgress, onChoice, onWarning, onCompiled, ...given } = options;
  const asked = parseOptions(engineOptionsSchema, given, 'engine options');
  const hooks: EngineHooks = {
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    ...(onChoice && { onChoice }),
    ...(onWarning && { onWarning }),
    ...(onCompiled && { onCompiled }),
  };
  const { model, startCluster } = await loadModel(asked, hooks);
  try {
    return await partsOn(await startCluster(signal), { model, startCluster }, asked, hooks);
  } catch (error) {
    // The workers' files may turn out to be damaged while they are measured; a new start makes them again.
    if (!(error instanceof KvrError) || error.code !== 'CACHE_DAMAGED') throw error;
    return partsOn(await startCluster(signal), { model, startCluster }, asked, hooks);
  }
}

/** @param cluster closed again where this throws */
async function partsOn(
  cluster: Cluster,
  { model, startCluster }: { readonly model: LoadedModel; readonly startCluster: StartCluster },
  asked: AskedSettings,
  hooks: EngineHooks,
): Promise<EngineParts> {
  const settings = { ...asked, dtype: dtypeOf(cluster) };
  const chain = new RunningChain(cluster, startCluster, settings.maxRunning);
  try {
    const calibration =
      settings.calibrate === false ? undefined : await openCalibration(cluster, model, settings, hooks);
    return { model, settings, chain, calibration, warn: warningOf(hooks) };
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
  hooks: EngineHooks,
): Promise<CalibrationStore> {
  const { signal, onProgress } = hooks;
  return CalibrationStore.open(workers, {
    cacheFolder: cacheFolder(cacheDir),
    shape,
    chunkTokens,
    kvDtype,
    isFresh: calibrate === 'fresh',
    onWarning: warningOf(hooks),
    ...(signal && { signal }),
    ...(onProgress && { onMeasure: () => onProgress('measuring the workers', 0) }),
  });
}
