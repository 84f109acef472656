/**
 * The library's front door: loads a model onto a chain of workers, answers prompts, ends cleanly. Requests are
 * served one after the other, in order of arrival; a worker that died is replaced before the next one.
 */
import type { Cluster, ClusterWorker } from '../cluster/cluster.js';
import { KvrError } from '../core/errors.js';
import { samplingSchema } from '../core/sampling.js';
import { cacheFolder } from '../model/cache/index.js';
import { CostBook } from './cost-book.js';
import type { ChainSpec } from './chain-request.js';
import { type Cut, cutContext } from './cut.js';
import { Deadline } from './deadline.js';
import { type GenerateEvent, type GenerationResult, runGeneration } from './generation.js';
import { type LoadedModel, loadModel, type StartCluster } from './load.js';
import {
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
import { readTable } from './table-file.js';
import { Turnstile } from './turnstile.js';

/** Shorter prompts say little about a machine's speed. */
const MIN_REFRESH_TOKENS = 128;

export class Engine {
  readonly model: LoadedModel;
  readonly settings: EngineSettings;
  readonly #startCluster: StartCluster;
  readonly #turnstile = new Turnstile();
  readonly #closing = new AbortController();
  #cluster: Cluster;
  #restart: Promise<Cluster> | undefined;
  #book: CostBook | undefined;
  // Engines that share workers must not share ids; those under 2³² belong to calibration.
  #nextRequest = (1 + Math.floor(Math.random() * 2 ** 20)) * 2 ** 32;

  private constructor(
    model: LoadedModel,
    settings: EngineSettings,
    startCluster: StartCluster,
    cluster: Cluster,
  ) {
    this.model = model;
    this.settings = settings;
    this.#startCluster = startCluster;
    this.#cluster = cluster;
  }

  /**
   * Opens a checkpoint, compiles it where that was not done before, starts the workers and, once, measures them.
   * @throws BAD_INPUT, MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, CACHE_UNWRITABLE, DISK_FULL, WORKER_*
   */
  static async load(options: EngineOptions): Promise<Engine> {
    const { signal, onProgress, ...given } = options;
    const settings = parseOptions(engineOptionsSchema, given, 'engine options');
    const hooks: EngineHooks = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
    const { model, startCluster } = await loadModel(settings, hooks);
    const engine = new Engine(model, settings, startCluster, await startCluster(signal));
    try {
      if (settings.calibrate !== false) engine.#book = await engine.#openBook(hooks);
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  /** In chain order. */
  get workers(): readonly ClusterWorker[] {
    return this.#cluster.workers;
  }

  /** What was measured of the workers; undefined where calibration is off. */
  get costs(): CostBook | undefined {
    return this.#book;
  }

  /** The chain that a request with so many prompt tokens would get now. @throws BAD_INPUT */
  async cut(
    request: Omit<GenerateRequest, 'prompt' | 'promptIds' | 'messages'>,
    contextTokens: number,
  ): Promise<Cut> {
    return this.#cut(parseOptions(requestSchema, request, 'request'), contextTokens);
  }

  /**
   * Answers a prompt. Leaving the loop early cancels the request.
   * @throws BAD_INPUT, PROMPT_TOO_LONG, CANCELLED, DEADLINE, WORKER_*, LINK, PROTOCOL with fields rank and phase, CLOSED
   */
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    const { signal: given, ...rest } = request;
    const settings = parseOptions(requestSchema, rest, 'request');
    const ids = promptIds(settings, this.model);
    this.#checkOpen();
    const signal = given ? AbortSignal.any([given, this.#closing.signal]) : this.#closing.signal;
    const deadline = new Deadline(settings.deadlineMs);
    try {
      const leave = await deadline.bound(signal, (bounded) => this.#turnstile.enter(bounded));
      try {
        yield* this.#run(settings, ids, signal, deadline);
      } finally {
        leave();
      }
    } catch (error) {
      // Closing cancels everything; who did not cancel himself is told the true reason.
      if (error instanceof KvrError && error.code === 'CANCELLED' && !given?.aborted) this.#checkOpen();
      throw error;
    }
  }

  /** Answers a prompt whole. @throws as generate */
  async complete(request: GenerateRequest): Promise<GenerationResult> {
    for await (const event of this.generate(request)) if (event.type === 'done') return event.result;
    throw new KvrError('INTERNAL', 'a generation ended without a result');
  }

  /** Cancels what runs and ends the workers it started; settles when none is left. Twice is harmless. */
  async close(): Promise<void> {
    const isFirst = !this.#closing.signal.aborted;
    this.#closing.abort();
    // Workers that are being started again just now belong to nobody yet; their request tells why they are gone.
    await this.#restart?.then(
      (cluster) => cluster.close(),
      () => undefined,
    );
    await this.#cluster.close();
    if (isFirst) await this.#book?.save();
  }

  async *#run(
    settings: GenerateSettings,
    ids: Int32Array,
    signal: AbortSignal,
    deadline: Deadline,
  ): AsyncGenerator<GenerateEvent> {
    const cluster = await deadline.bound(signal, (bounded) => this.#usableCluster(bounded));
    const cut = await this.#cut(settings, ids.length);
    const spec = { ...this.#specify(settings, cut, cluster, ids, signal), ...deadline.left };
    const { shape, tokenizer } = this.model;
    const { dtype } = this.settings;
    const { predictedTtftMs } = cut;
    const input = { spec, tokenizer, stops: settings.stop, layers: shape.layers, dtype, predictedTtftMs };
    for await (const event of runGeneration(input)) {
      if (event.type === 'done') this.#learn(cut, event.result);
      yield event;
    }
  }

  async #cut(settings: GenerateSettings, contextTokens: number): Promise<Cut> {
    const { shape } = this.model;
    const workers = this.#cluster.workers.length;
    const table =
      settings.partition === 'p' ? await readTable(cacheFolder(this.settings.cacheDir), this) : undefined;
    return cutContext(settings, { contextTokens, workers, shape, book: this.#book, table });
  }

  #specify(
    settings: GenerateSettings,
    cut: Cut,
    cluster: Cluster,
    ids: Int32Array,
    signal: AbortSignal,
  ): ChainSpec {
    const { sampling, strategy, maxTokens, wantLogits, cutsAt } = settings;
    return {
      request: this.#nextRequest++,
      strategy,
      workers: cut.workers.map((index) => cluster.workers[index] as ClusterWorker),
      ids,
      partition: cut.partition,
      maxTokens,
      sampling: samplingSchema.parse(sampling),
      eosIds: this.model.eosIds,
      wantLogits,
      cutsAt,
      signal,
    };
  }

  /** Timelines of real requests keep the costs true to a machine that slows down. */
  #learn(cut: Cut, { strategy, promptTokens, timeline }: GenerationResult): void {
    if (strategy === 'tsp-dense' || promptTokens < MIN_REFRESH_TOKENS) return;
    this.#book?.refresh(promptTokens, cut.workers, timeline);
  }

  /** The cluster, started anew where one of its workers is gone. */
  async #usableCluster(signal: AbortSignal): Promise<Cluster> {
    if (this.#cluster.workers.some(({ handle }) => handle.isEnded)) {
      await this.#cluster.close();
      this.#checkOpen();
      this.#restart = this.#startCluster(signal);
      this.#cluster = await this.#restart;
    }
    return this.#cluster;
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new KvrError('CLOSED', 'the engine was closed');
  }

  #openBook({ signal, onProgress }: EngineHooks): Promise<CostBook> {
    return CostBook.open(this.#cluster.workers, {
      cacheFolder: cacheFolder(this.settings.cacheDir),
      shape: this.model.shape,
      chunkTokens: this.settings.chunkTokens,
      isFresh: this.settings.calibrate === 'fresh',
      ...(signal && { signal }),
      ...(onProgress && { onMeasure: () => onProgress('measuring the workers', 0) }),
    });
  }
}

export type { LoadedModel } from './load.js';
