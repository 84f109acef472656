/**
 * From an engine's options to what it works with. What was started is closed again when a later step fails.
 */
import type { Cluster, ClusterWorker, PrepareWorker } from '../cluster/cluster.js';
import type { WorkerSource } from '../cluster/worker-source.js';
import { openCluster } from '../cluster/open-cluster.js';
import { KvrError } from '../core/errors.js';
import type { Dtype } from '../core/shape.js';
import { cacheFolder } from '../model/cache/index.js';
import { type CalibrationOptions, CalibrationStore } from './partition/calibration-store.js';
import { JoinedCosts } from './partition/joined-costs.js';
import { type LoadedModel, loadModel } from './load/load.js';
import { misfit } from './load/misfit.js';
import {
  type AskedSettings,
  type EngineHooks,
  type EngineOptions,
  engineOptionsSchema,
  type EngineSettings,
  warningOf,
} from './options/options.js';
import { parseOptions } from './options/parse-options.js';
import { InlinePreparation } from './preparation/inline-preparation.js';
import type { RequestPreparation } from './preparation/preparation.js';
import { ThreadPreparation } from './preparation/thread-preparation.js';
import { RunningChain } from './chain/running-chain.js';
import type { EngineParts } from './queue/engine-parts.js';
import { areSound } from './queue/held-until-sound.js';

/** @throws as Engine.load */
export async function loadParts(options: EngineOptions): Promise<EngineParts> {
  const { signal, onProgress, onChoice, onWarning, onNews, onCompiling, onCompiled, ...given } = options;
  const asked = parseOptions(engineOptionsSchema, given, 'engine options');
  const hooks: EngineHooks = {
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    ...(onChoice && { onChoice }),
    ...(onWarning && { onWarning }),
    ...(onNews && { onNews }),
    ...(onCompiling && { onCompiling }),
    ...(onCompiled && { onCompiled }),
  };
  if (asked.kvWire === 'auto' && asked.calibrate === false)
    throw new KvrError('BAD_INPUT', 'kvWire auto needs measured workers to plan by; leave calibration on');
  const { model, source } = await loadModel(asked, hooks);
  if (source.kind === 'joined' || source.kind === 'nats')
    return joinedParts(source, model, { ...asked, dtype: source.model.dtype }, hooks);
  const cluster = await openCluster(source, (worker) => misfit(worker, model, asked), signal);
  return partsOn(cluster, model, asked, hooks);
}

/** Workers come later, and are measured when they do. */
async function joinedParts(
  source: WorkerSource,
  model: LoadedModel,
  settings: EngineSettings,
  hooks: EngineHooks,
): Promise<EngineParts> {
  const tell = (words: string): void => hooks.onNews?.(words);
  const { signal: _, ...later } = calibrationOptions(model, settings, hooks);
  const costs = settings.calibrate === false ? undefined : new JoinedCosts({ ...later, tell });
  const prepare: PrepareWorker | undefined = costs && ((worker, chain) => costs.prepare(worker, chain));
  const check = (worker: ClusterWorker): KvrError | undefined => misfit(worker, model, settings);
  const cluster = await openCluster(source, check, hooks.signal, prepare);
  costs?.follow(cluster);
  const chain = new RunningChain(cluster, settings.maxRunning, warningOf(hooks));
  const preparation = preparationOf(model, settings);
  return { model, settings, chain, calibration: costs, preparation, warn: warningOf(hooks) };
}

/** @param cluster closed again where this throws */
async function partsOn(
  cluster: Cluster,
  model: LoadedModel,
  asked: AskedSettings,
  hooks: EngineHooks,
): Promise<EngineParts> {
  const settings = { ...asked, dtype: dtypeOf(cluster) };
  const chain = new RunningChain(cluster, settings.maxRunning, warningOf(hooks));
  try {
    const calibration =
      settings.calibrate === false ? undefined : await openCalibration(chain, model, settings, hooks);
    await chain.storesKnown();
    const preparation = preparationOf(model, settings);
    return { model, settings, chain, calibration, preparation, warn: warningOf(hooks) };
  } catch (error) {
    await chain.close();
    throw error;
  }
}

/** Starts nothing yet. */
function preparationOf(
  { tokenizer, tokenizerSource, shape: { contextTokens } }: LoadedModel,
  { preparation }: EngineSettings,
): RequestPreparation {
  const model = { tokenizer, contextTokens };
  return preparation === 'inline'
    ? new InlinePreparation(model)
    : new ThreadPreparation(model, tokenizerSource);
}

/** All workers of a chain have the same. */
function dtypeOf({ workers }: Cluster): Dtype {
  const [first] = workers;
  if (!first) throw new KvrError('INTERNAL', 'a chain has no workers');
  return first.ready.dtype;
}

/** Files that turn out to be damaged while the workers are measured are made anew, and the new workers are measured. */
async function openCalibration(
  chain: RunningChain,
  model: LoadedModel,
  settings: EngineSettings,
  hooks: EngineHooks,
): Promise<CalibrationStore> {
  const { workers } = chain;
  try {
    return await measured(workers, model, settings, hooks);
  } catch (error) {
    const { signal = new AbortController().signal } = hooks;
    if (signal.aborted || (await areSound(workers))) throw error;
    const names = workers.map(({ handle }) => handle.id);
    const all = { count: workers.length, allowed: () => names };
    return measured(await chain.usable(all, signal, false), model, settings, hooks);
  }
}

function measured(
  workers: readonly ClusterWorker[],
  model: LoadedModel,
  settings: EngineSettings,
  hooks: EngineHooks,
): Promise<CalibrationStore> {
  return CalibrationStore.open(workers, calibrationOptions(model, settings, hooks));
}

function calibrationOptions(
  { shape }: LoadedModel,
  { cacheDir, chunkTokens, kvDtype, calibrate }: EngineSettings,
  hooks: EngineHooks,
): CalibrationOptions {
  const { signal, onProgress } = hooks;
  return {
    cacheFolder: cacheFolder(cacheDir),
    shape,
    chunkTokens,
    kvDtype,
    isFresh: calibrate === 'fresh',
    onWarning: warningOf(hooks),
    ...(signal && { signal }),
    ...(onProgress && { onMeasure: () => onProgress('measuring the workers', 0) }),
  };
}
