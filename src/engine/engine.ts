/**
 * The library's front door: loads a model onto a chain of workers, answers prompts, ends cleanly. Requests are
 * served one after the other, in order of arrival; a worker that died is replaced before the next one.
 */
import type { Cluster } from '../cluster/cluster.js';
import { startLocalCluster } from '../cluster/local.js';
import type { Checkpoint } from '../core/checkpoint.js';
import { KvrError } from '../core/errors.js';
import { samplingSchema } from '../core/sampling.js';
import type { ModelShape } from '../core/shape.js';
import { cacheFolder } from '../model/cache/index.js';
import { compileModel } from '../model/compile.js';
import { openCheckpoint } from '../model/open.js';
import { kernelKey, prepack } from '../runtime/kernels.js';
import { byteTokenizer, loadTokenizer, type Tokenizer } from '../tokenizer/index.js';
import { cutContext } from './cut.js';
import { type GenerateEvent, type GenerationResult, runGeneration } from './generation.js';
import {
  defaultKvBytes,
  defaultThreads,
  type EngineHooks,
  type EngineOptions,
  engineOptionsSchema,
  type EngineSettings,
  type GenerateRequest,
  type GenerateSettings,
  parseOptions,
  requestSchema,
} from './options.js';
import { promptIds } from './prompt.js';
import { Turnstile } from './turnstile.js';

/** What is known of a loaded model. */
export type LoadedModel = {
  readonly name: string;
  readonly shape: ModelShape;
  readonly eosIds: readonly number[];
  readonly digest: string;
  readonly tokenizer: Tokenizer;
};

export class Engine {
  readonly model: LoadedModel;
  readonly settings: EngineSettings;
  readonly #compiledFolder: string;
  readonly #turnstile = new Turnstile();
  readonly #closing = new AbortController();
  #cluster: Cluster;
  #nextRequest = Math.floor(Math.random() * 2 ** 20) * 2 ** 32;

  private constructor(
    model: LoadedModel,
    settings: EngineSettings,
    compiledFolder: string,
    cluster: Cluster,
  ) {
    this.model = model;
    this.settings = settings;
    this.#compiledFolder = compiledFolder;
    this.#cluster = cluster;
  }

  /**
   * Opens a checkpoint, compiles it where that was not done before, and starts the workers.
   * @throws BAD_INPUT, MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, CACHE_UNWRITABLE, DISK_FULL, WORKER_*
   */
  static async load(options: EngineOptions): Promise<Engine> {
    const { signal, onProgress, ...given } = options;
    const settings = parseOptions(engineOptionsSchema, given, 'engine options');
    const hooks: EngineHooks = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
    const cache = cacheFolder(settings.cacheDir);
    const checkpoint = await openCheckpoint(settings.model, { cacheFolder: cache, ...openHooks(hooks) });
    try {
      const tokenizer = await openTokenizer(checkpoint);
      const folder = await compile(checkpoint, settings, cache, hooks);
      const { name, shape, eosIds, digest } = checkpoint;
      const cluster = await startWorkers(settings, folder, signal);
      return new Engine({ name, shape, eosIds, digest, tokenizer }, settings, folder, cluster);
    } finally {
      await checkpoint.close();
    }
  }

  /**
   * Answers a prompt. Leaving the loop early cancels the request.
   * @throws BAD_INPUT, PROMPT_TOO_LONG, CANCELLED, DEADLINE, WORKER_*, LINK, PROTOCOL with fields rank and phase, CLOSED
   */
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    const { signal: given, ...rest } = request;
    const settings = parseOptions(requestSchema, rest, 'request');
    const ids = promptIds(settings, this.model);
    const signal = given ? AbortSignal.any([given, this.#closing.signal]) : this.#closing.signal;
    const leave = await this.#turnstile.enter(signal);
    try {
      yield* this.#run(settings, ids, signal);
    } finally {
      leave();
    }
  }

  /** Answers a prompt whole. @throws as generate */
  async complete(request: GenerateRequest): Promise<GenerationResult> {
    for await (const event of this.generate(request)) if (event.type === 'done') return event.result;
    throw new KvrError('INTERNAL', 'a generation ended without a result');
  }

  /** Cancels what runs and ends the workers; settles when none is left. Twice is harmless. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#cluster.close();
  }

  async *#run(
    settings: GenerateSettings,
    ids: Int32Array,
    signal: AbortSignal,
  ): AsyncGenerator<GenerateEvent> {
    if (this.#closing.signal.aborted) throw new KvrError('CLOSED', 'the engine was closed');
    const cluster = await this.#usableCluster(signal);
    const partition = cutContext(settings, ids.length, cluster.workers.length);
    const { sampling, strategy, maxTokens, wantLogits, deadlineMs } = settings;
    const spec = {
      request: this.#nextRequest++,
      strategy,
      workers: cluster.workers.slice(0, partition.length),
      ids,
      partition,
      maxTokens,
      sampling: samplingSchema.parse(sampling),
      eosIds: this.model.eosIds,
      wantLogits,
      signal,
      ...(deadlineMs !== undefined && { deadlineMs }),
    };
    const { shape, tokenizer } = this.model;
    const { dtype } = this.settings;
    yield* runGeneration({
      spec,
      tokenizer,
      stops: settings.stop,
      layers: shape.layers,
      dtype,
      predictedTtftMs: null,
    });
  }

  /** The cluster, started anew where one of its workers is gone. */
  async #usableCluster(signal: AbortSignal): Promise<Cluster> {
    if (this.#cluster.workers.some(({ handle }) => handle.isEnded)) {
      await this.#cluster.close();
      this.#cluster = await startWorkers(this.settings, this.#compiledFolder, signal);
    }
    return this.#cluster;
  }
}

function openHooks({ signal, onProgress }: EngineHooks): {
  signal?: AbortSignal;
  onProgress?: (fraction: number, what: string) => void;
} {
  return {
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction: number, what: string) => onProgress(what, fraction) }),
  };
}

async function openTokenizer(checkpoint: Checkpoint): Promise<Tokenizer> {
  const { tokenizerFolder, shape } = checkpoint;
  return tokenizerFolder === undefined ? byteTokenizer(shape.vocabulary) : loadTokenizer(tokenizerFolder);
}

function compile(
  checkpoint: Checkpoint,
  settings: EngineSettings,
  cache: string,
  { signal, onProgress }: EngineHooks,
): Promise<string> {
  return compileModel(checkpoint, {
    cacheFolder: cache,
    dtype: settings.dtype,
    kernelKey: kernelKey(),
    prepack,
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction) => onProgress('compiling', fraction) }),
    ...(onProgress && {
      onWait: () => onProgress('waiting for another process that compiles this model', 0),
    }),
  });
}

function startWorkers(
  settings: EngineSettings,
  compiledFolder: string,
  signal?: AbortSignal,
): Promise<Cluster> {
  const { workers, chunkTokens } = settings;
  return startLocalCluster({
    workers,
    compiledFolder,
    chunkTokens,
    threads: settings.threads ?? defaultThreads(workers),
    kvBytesLimit: settings.kvMemoryBytes ?? defaultKvBytes(workers),
    ...(signal && { signal }),
  });
}
