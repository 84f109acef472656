/**
 * The steps of loading: checkpoint, tokenizer, compiled graphs, workers. Each is handed the progress hooks; what a
 * step opened is closed again when a later one fails.
 */
import { areStartedHere, type WorkerSource } from '../../cluster/worker-source.js';
import type { Checkpoint } from '../../core/checkpoint.js';
import { KvrError } from '../../core/errors.js';
import type { Dtype, ModelShape } from '../../core/shape.js';
import { cacheFolder } from '../../model/cache/index.js';
import { compileModel } from '../../model/compile.js';
import { openCheckpoint } from '../../model/open.js';
import { compileKernels } from '../../runtime/cpu/compile-kernels.js';
import { byteTokenizer, loadTokenizer, type Tokenizer } from '../../tokenizer/index.js';
import { pickDtype } from './dtype-choice.js';
import type { AskedSettings, EngineHooks } from '../options/options.js';
import { defaultDecodeThreads, defaultKvBytes, defaultThreads } from '../options/defaults.js';

/** What an engine knows of its model. */
export type LoadedModel = {
  readonly name: string;
  readonly shape: ModelShape;
  readonly eosIds: readonly number[];
  readonly digest: string;
  readonly parameters: number;
  readonly tokenizer: Tokenizer;
};

/** @throws BAD_INPUT, MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, CACHE_UNWRITABLE, DISK_FULL, CANCELLED */
export async function loadModel(
  settings: AskedSettings,
  hooks: EngineHooks,
): Promise<{ model: LoadedModel; source: WorkerSource }> {
  const cache = cacheFolder(settings.cacheDir);
  const checkpoint = await openWithProgress(settings.model, cache, hooks);
  try {
    const { name, shape, eosIds, digest, parameters } = checkpoint;
    const model = { name, shape, eosIds, digest, parameters, tokenizer: await openTokenizer(checkpoint) };
    const source = await sourceOf(settings, checkpoint, cache, hooks);
    return { model, source };
  } finally {
    await checkpoint.close();
  }
}

/** @throws BAD_INPUT where 'auto' finds none that fits */
export async function decidedDtype(
  { shape, digest }: Pick<Checkpoint, 'shape' | 'digest'>,
  settings: Pick<AskedSettings, 'dtype' | 'kvDtype' | 'chunkTokens' | 'threads'> & {
    readonly workers: number;
  },
  cache: string,
  { onChoice }: EngineHooks,
): Promise<Dtype> {
  if (settings.dtype !== 'auto') return settings.dtype;
  const { dtype, reason } = await pickDtype({ ...settings, shape, digest, cacheFolder: cache });
  onChoice?.(`dtype auto: ${dtype} (${reason})`);
  return dtype;
}

/** Opens a checkpoint by name, reporting the hashing of a large one. @throws as openCheckpoint */
export function openWithProgress(
  name: string,
  cache: string,
  { signal, onProgress }: EngineHooks,
): Promise<Checkpoint> {
  return openCheckpoint(name, {
    cacheFolder: cache,
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction: number, what: string) => onProgress(what, fraction) }),
  });
}

/** @returns the folder of the compiled graphs. @throws CACHE_UNWRITABLE, DISK_FULL, BAD_CHECKPOINT, CANCELLED */
export function compileWithProgress(
  checkpoint: Checkpoint,
  dtype: Dtype,
  cache: string,
  { signal, onProgress, onCompiled }: EngineHooks,
): Promise<string> {
  return compileModel(checkpoint, {
    cacheFolder: cache,
    dtype,
    ...compileKernels(),
    ...(onCompiled && { onCompiled }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction) => onProgress('compiling', fraction) }),
    ...(onProgress && {
      onWait: () => onProgress('waiting for another process that compiles this model', 0),
    }),
  });
}

/** The checkpoint's tokenizer, or the one of bytes where it brings none. @throws BAD_CHECKPOINT, UNSUPPORTED_MODEL */
export async function openTokenizer({ tokenizerFolder, shape }: Checkpoint): Promise<Tokenizer> {
  return tokenizerFolder === undefined ? byteTokenizer(shape.vocabulary) : loadTokenizer(tokenizerFolder);
}

/** The source of the workers; for local ones the model is compiled first, and what the settings leave open is decided. */
async function sourceOf(
  settings: AskedSettings,
  checkpoint: Checkpoint,
  cache: string,
  hooks: EngineHooks,
): Promise<WorkerSource> {
  const { workers } = settings;
  if (!areStartedHere(workers)) return { kind: 'static', addresses: workers };
  const threads = settings.threads ?? defaultThreads(workers);
  checkThreads(threads, settings);
  const dtype = await decidedDtype(checkpoint, { ...settings, workers }, cache, hooks);
  const compiledFolder = await compileWithProgress(checkpoint, dtype, cache, hooks);
  const own = {
    compiledFolder,
    threads,
    decodeThreads: settings.decodeThreads ?? defaultDecodeThreads(dtype, workers, threads),
    chunkTokens: settings.chunkTokens,
    kvBytesLimit: settings.kvMemoryBytes ?? defaultKvBytes(workers),
    prefixCacheBytes: settings.prefixCacheBytes,
  };
  return { kind: 'local', count: workers, settings: own };
}

/** @throws BAD_INPUT where decoding would have fewer threads than reading */
function checkThreads(threads: number, { decodeThreads }: AskedSettings): void {
  if (decodeThreads === undefined || decodeThreads >= threads) return;
  throw new KvrError(
    'BAD_INPUT',
    `${decodeThreads} decode threads are fewer than the ${threads} threads of each worker; give ${threads} or more, or fewer threads`,
  );
}
