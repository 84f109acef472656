/**
 * The steps of loading: checkpoint, tokenizer, compiled graphs, workers. Each is handed the progress hooks; what a
 * step opened is closed again when a later one fails.
 */
import {
  areFound,
  areStartedHere,
  type ListenOption,
  mayDial,
  type RoomOption,
  type WorkerSource,
} from '../../cluster/worker-source.js';
import type { Checkpoint, EmbeddingRecipe } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import { describeSampling, type SamplingDefaults } from '../../core/sampling.js';
import type { Dtype, ModelShape } from '../../core/shape.js';
import { cacheFolder } from '../../model/cache/index.js';
import { compileModel, hasSoundGraphs } from '../../model/compile.js';
import { openCheckpoint } from '../../model/open.js';
import { compileKernels } from '../../runtime/cpu/compile-kernels.js';
import {
  openTokenizer as openSource,
  type Tokenizer,
  type TokenizerSource,
  tokenizerSource,
} from '../../tokenizer/index.js';
import { pickDtype } from './dtype-choice.js';
import { CompiledFiles } from './compiled-files.js';
import { type AskedSettings, type EngineHooks, warningOf } from '../options/options.js';
import {
  defaultDecodeThreads,
  defaultKvBytes,
  defaultPrefixCacheBytes,
  defaultThreads,
  prefixDiskOf,
} from '../options/defaults.js';

/** What an engine knows of its model. */
export type LoadedModel = {
  readonly name: string;
  readonly shape: ModelShape;
  readonly eosIds: readonly number[];
  readonly digest: string;
  readonly parameters: number;
  readonly tokenizer: Tokenizer;
  /** From which other threads can read the same tokenizer. */
  readonly tokenizerSource: TokenizerSource;
  /** How tokens are drawn for requests that do not say it. */
  readonly samplingDefaults?: SamplingDefaults | undefined;
  /** Of answers for which no limit is asked; undefined: as many as there is room for. */
  readonly maxNewTokens?: number | undefined;
  /** Where the checkpoint says how embeddings are made of it. */
  readonly embeddingRecipe?: EmbeddingRecipe | undefined;
};

/** @throws BAD_INPUT, MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, CACHE_UNWRITABLE, DISK_FULL, CANCELLED */
export async function loadModel(
  settings: AskedSettings,
  hooks: EngineHooks,
): Promise<{ model: LoadedModel; source: WorkerSource }> {
  const cache = cacheFolder(settings.cacheDir);
  const checkpoint = await openWithProgress(settings.model, cache, hooks);
  try {
    const { name, shape, digest, parameters, embeddingRecipe } = checkpoint;
    const from = await sourceOfTokenizer(checkpoint, settings.byteTokens);
    const tokenizer = await openSource(from);
    const known = {
      name,
      shape,
      digest,
      parameters,
      embeddingRecipe,
      ...toldDefaults(checkpoint, settings, hooks),
    };
    const model = { ...known, eosIds: endIds(checkpoint, tokenizer), tokenizer, tokenizerSource: from };
    const source = await sourceOf(settings, checkpoint, model, hooks);
    return { model, source };
  } finally {
    await checkpoint.close();
  }
}

/** Chat models may end their turns with a token that the tokenizer's files alone name. */
function endIds({ eosIds, shape }: Checkpoint, { endId }: Tokenizer): readonly number[] {
  if (endId === undefined || endId >= shape.vocabulary) return eosIds;
  return [...new Set([...eosIds, endId])];
}

/** What holds where a request says nothing, said once. */
function toldDefaults(
  { samplingDefaults = {}, maxNewTokens }: Checkpoint,
  { samplingDefaults: choice }: Pick<AskedSettings, 'samplingDefaults'>,
  { onChoice }: EngineHooks,
): Pick<LoadedModel, 'samplingDefaults' | 'maxNewTokens'> {
  const length = maxNewTokens === undefined ? [] : [`max_new_tokens ${maxNewTokens}`];
  const words = [describeSampling(samplingDefaults), ...length].filter((said) => said !== '').join(', ');
  if (choice === 'none' || words === '') return {};
  onChoice?.(
    `unless a request says otherwise, by generation_config.json: ${words} (--sampling-defaults none ignores it)`,
  );
  return { samplingDefaults, maxNewTokens };
}

/** @throws BAD_INPUT where 'auto' finds none that fits */
export async function decidedDtype(
  checkpoint: Pick<Checkpoint, 'shape' | 'digest' | 'suggestedDtype'>,
  settings: Pick<AskedSettings, 'dtype' | 'kvDtype' | 'chunkTokens' | 'threads'> & {
    readonly workers: number;
  },
  cache: string,
  { onChoice }: EngineHooks,
): Promise<Dtype> {
  if (settings.dtype !== 'auto') return settings.dtype;
  const { dtype, reason } = await pickDtype({ ...settings, checkpoint, cacheFolder: cache });
  if (reason !== undefined) onChoice?.(`dtype auto: ${dtype} (${reason})`);
  return dtype;
}

/** Opens a checkpoint by name, reporting the hashing of a large one. @throws as openCheckpoint */
export function openWithProgress(name: string, cache: string, hooks: EngineHooks): Promise<Checkpoint> {
  const { signal, onProgress } = hooks;
  return openCheckpoint(name, {
    cacheFolder: cache,
    onDamage: warningOf(hooks),
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction: number, what: string) => onProgress(what, fraction) }),
  });
}

/**
 * @param checksWeights reads all of a model found in the cache; an engine leaves that to CompiledFiles
 * @returns the folder of the compiled graphs
 * @throws CACHE_UNWRITABLE, DISK_FULL, BAD_CHECKPOINT, CANCELLED
 */
export function compileWithProgress(
  checkpoint: Checkpoint,
  dtype: Dtype,
  cache: string,
  hooks: EngineHooks,
  checksWeights = false,
): Promise<string> {
  const { signal, onProgress, onCompiling, onCompiled } = hooks;
  return compileModel(checkpoint, {
    cacheFolder: cache,
    dtype,
    checksWeights,
    onDamage: warningOf(hooks),
    ...compileKernels(),
    ...(onCompiling && { onCompiling }),
    ...(onCompiled && { onCompiled }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction) => onProgress('compiling', fraction) }),
    ...(onProgress && {
      onWait: () => onProgress('waiting for another process that compiles this model', 0),
    }),
  });
}

/**
 * Decides the dtype where that is left open, and compiles to it. What was decided is told once it is known that the disk has room
 * for it, and before a compilation begins.
 * @throws as decidedDtype and compileWithProgress
 */
export async function compileDecided(
  checkpoint: Checkpoint,
  settings: Parameters<typeof decidedDtype>[1],
  cache: string,
  hooks: EngineHooks,
  checksWeights = false,
): Promise<{ readonly dtype: Dtype; readonly folder: string }> {
  const untold: string[] = [];
  const tell = (): void => untold.splice(0).forEach((words) => hooks.onChoice?.(words));
  const onChoice = (words: string): unknown => untold.push(words);
  const dtype = await decidedDtype(checkpoint, settings, cache, { onChoice });
  const onCompiling: EngineHooks['onCompiling'] = (forecast) => {
    tell();
    hooks.onCompiling?.(forecast);
  };
  const folder = await compileWithProgress(
    checkpoint,
    dtype,
    cache,
    { ...hooks, onCompiling },
    checksWeights,
  );
  tell();
  return { dtype, folder };
}

/** The checkpoint's tokenizer, or the one of bytes where it brings none. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export async function openTokenizer(checkpoint: Checkpoint): Promise<Tokenizer> {
  return openSource(await sourceOfTokenizer(checkpoint));
}

function sourceOfTokenizer(
  { tokenizerFolder, shape }: Checkpoint,
  byteTokens = false,
): Promise<TokenizerSource> {
  return tokenizerSource(tokenizerFolder, shape.vocabulary, byteTokens);
}

/** The source of the workers; for local ones what the settings leave open is decided here, and the model is compiled. */
async function sourceOf(
  settings: AskedSettings,
  checkpoint: Checkpoint,
  model: LoadedModel,
  hooks: EngineHooks,
): Promise<WorkerSource> {
  const { workers, security } = settings;
  if (mayDial(workers)) return joinedSource(workers, settings, checkpoint, model, hooks);
  if (areFound(workers)) return natsSource(workers, settings, checkpoint, hooks);
  if (!areStartedHere(workers)) return { kind: 'static', addresses: workers, ...(security && { security }) };
  const threads = settings.threads ?? defaultThreads(workers);
  checkThreads(threads, settings);
  const cache = cacheFolder(settings.cacheDir);
  const { dtype, folder } = await compileDecided(checkpoint, { ...settings, workers }, cache, hooks);
  const prefixDisk = prefixDiskOf(settings);
  const aQuarter = defaultPrefixCacheBytes(workers, settings.kvMemoryBytes);
  const own = {
    threads,
    decodeThreads: settings.decodeThreads ?? defaultDecodeThreads(dtype, workers, threads),
    chunkTokens: settings.chunkTokens,
    kvBytesLimit: settings.kvMemoryBytes ?? defaultKvBytes(workers),
    prefixCacheBytes: settings.prefixCacheBytes ?? (prefixDisk ? aQuarter : 0),
    ...(prefixDisk && { prefixDisk }),
  };
  const compile = async (signal?: AbortSignal): Promise<string> => {
    if (await hasSoundGraphs(folder)) return folder;
    return compileAgain(settings.model, model, dtype, { ...hooks, ...(signal && { signal }) }, cache);
  };
  const files = new CompiledFiles({ hasSoundGraphs, compile, onDamage: warningOf(hooks) });
  return { kind: 'local', count: workers, settings: own, files };
}

/** What is to be run is decided before anybody is there. The model is compiled when the first one comes without it. */
async function joinedSource(
  { listen, insecure = false }: ListenOption,
  settings: AskedSettings,
  checkpoint: Checkpoint,
  model: LoadedModel,
  hooks: EngineHooks,
): Promise<WorkerSource> {
  const cache = cacheFolder(settings.cacheDir);
  const dtype = await decidedDtype(checkpoint, { ...settings, workers: 1 }, cache, hooks);
  const { chunkTokens, security } = settings;
  const compile = (signal?: AbortSignal): Promise<string> => {
    const { onProgress: _, ...quiet } = hooks;
    return compileAgain(settings.model, model, dtype, { ...quiet, ...(signal && { signal }) }, cache);
  };
  return {
    ...{ kind: 'joined', listen, insecure, ...(security && { security }) },
    model: { name: model.name, digest: model.digest, dtype, chunkTokens, checkpointFiles: checkpoint.files },
    files: new CompiledFiles({ hasSoundGraphs, compile, onDamage: warningOf(hooks) }),
    tell: (words) => hooks.onNews?.(words),
  };
}

/** What is to be run is decided before anybody is found: others in the room may run something else. */
async function natsSource(
  { room, insecure = false, mayBeEmpty = false }: RoomOption,
  settings: AskedSettings,
  checkpoint: Checkpoint,
  hooks: EngineHooks,
): Promise<WorkerSource> {
  const cache = cacheFolder(settings.cacheDir);
  const dtype = await decidedDtype(checkpoint, { ...settings, workers: 1 }, cache, hooks);
  const { chunkTokens, security } = settings;
  return {
    ...{ kind: 'nats', room, insecure, mayBeEmpty, ...(security && { security }) },
    model: { digest: checkpoint.digest, dtype, chunkTokens },
    tell: (words) => hooks.onNews?.(words),
  };
}

/** The checkpoint is opened once more: it is not kept open for a cache folder that might be deleted. @throws as loadModel */
async function compileAgain(
  name: string,
  { digest }: LoadedModel,
  dtype: Dtype,
  hooks: EngineHooks,
  cache: string,
): Promise<string> {
  const checkpoint = await openWithProgress(name, cache, hooks);
  try {
    if (checkpoint.digest === digest) return await compileWithProgress(checkpoint, dtype, cache, hooks);
    const words = `the files of model ${name} were changed since it was loaded, and its compiled form is gone; load it again`;
    throw new KvrError('BAD_CHECKPOINT', words);
  } finally {
    await checkpoint.close();
  }
}

/** @throws BAD_INPUT where decoding would have fewer threads than reading */
function checkThreads(threads: number, { decodeThreads }: AskedSettings): void {
  if (decodeThreads === undefined || decodeThreads >= threads) return;
  throw new KvrError(
    'BAD_INPUT',
    `${decodeThreads} decode threads are fewer than the ${threads} threads of each worker; give ${threads} or more, or fewer threads`,
  );
}
