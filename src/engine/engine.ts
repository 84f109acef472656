/**
 * The library's front door: loads a model onto a chain of workers, answers prompts, ends cleanly. Requests are
 * handed to the chain in order of arrival, many at once; a worker that died is replaced before the next one.
 */
import { setMaxListeners } from 'node:events';
import type { Cluster, ClusterWorker } from '../cluster/cluster.js';
import { KvrError } from '../core/errors.js';
import { samplingSchema } from '../core/sampling.js';
import type { Dtype } from '../core/shape.js';
import type { Grammar } from '../grammar/grammar.js';
import { cacheFolder } from '../model/cache/index.js';
import type { Lease } from './chain-room.js';
import { CostBook } from './cost-book.js';
import type { ChainSpec } from './chain-request.js';
import { cutAfterPrefix } from './cached-cut.js';
import type { Cut } from './cut.js';
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
import { readGrammar, VocabularyPost } from './grammars.js';
import { kvNeeds } from './kv-needs.js';
import type { CachedPrefix } from './prefix-index.js';
import { promptIds } from './prompt.js';
import { isUsable, RunningChain } from './running-chain.js';
import { spreadCut } from './spread.js';
import { readTable } from './table-file.js';
import { Turnstile } from './turnstile.js';

/** Shorter prompts say little about a machine's speed. */
const MIN_REFRESH_TOKENS = 128;

/** How busy an engine is: what a server tells those it turns away. */
export type EngineLoad = {
  readonly running: number;
  readonly waiting: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Time until a request that came now would be handed to the chain, as far as past ones tell. */
  readonly expectedWaitMs: number;
};

/** A request on its way in. */
type Arrival = {
  readonly settings: GenerateSettings;
  readonly ids: Int32Array;
  readonly grammar: Grammar | undefined;
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  readonly startMs: number;
};
/** A request that may be handed to the chain. */
type Admitted = { readonly cluster: Cluster; readonly cut: Cut; readonly lease: Lease };

export class Engine {
  readonly model: LoadedModel;
  readonly settings: EngineSettings;
  /** Those who wait; the first of them waits for room in the chain. */
  readonly #turnstile: Turnstile;
  readonly #closing = new AbortController();
  readonly #vocabulary: VocabularyPost;
  readonly #chain: RunningChain;
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
    this.#chain = new RunningChain(cluster, startCluster, settings.maxRunning);
    this.#vocabulary = new VocabularyPost(model.tokenizer);
    // As many as there are requests; each takes its own away.
    setMaxListeners(0, this.#closing.signal);
    // Beside those who wait there is the one whose turn it is.
    this.#turnstile = new Turnstile(settings.maxWaiting + 1);
  }

  /**
   * Opens a checkpoint, compiles it where that was not done before, starts the workers and, once, measures them.
   * @throws BAD_INPUT, MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, CACHE_UNWRITABLE, DISK_FULL, WORKER_*
   */
  static async load(options: EngineOptions): Promise<Engine> {
    const { signal, onProgress, onChoice, onCompiled, ...given } = options;
    const asked = parseOptions(engineOptionsSchema, given, 'engine options');
    const hooks: EngineHooks = {
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(onChoice && { onChoice }),
      ...(onCompiled && { onCompiled }),
    };
    const { model, startCluster } = await loadModel(asked, hooks);
    const cluster = await startCluster(signal);
    const settings = { ...asked, dtype: dtypeOf(cluster) };
    const engine = new Engine(model, settings, startCluster, cluster);
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
    return this.#chain.state.cluster.workers;
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

  get load(): EngineLoad {
    const { maxRunning, maxWaiting } = this.settings;
    const { room } = this.#chain.state;
    const waiting = this.#turnstile.inside;
    const expectedWaitMs = waiting === 0 && room.running < maxRunning ? 0 : room.expectedWaitMs(waiting);
    return { running: room.running, waiting, maxRunning, maxWaiting, expectedWaitMs };
  }

  /**
   * Answers a prompt; may be called while others are answered. Leaving the loop early cancels the request.
   * @throws BAD_INPUT, PROMPT_TOO_LONG, CANCELLED, DEADLINE, BUSY with the fields of EngineLoad, WORKER_*, LINK,
   *   PROTOCOL with fields rank and phase, CLOSED
   */
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    const startMs = performance.now();
    const { signal: given, ...rest } = request;
    const settings = parseOptions(requestSchema, rest, 'request');
    const ids = promptIds(settings, this.model);
    const grammar = readGrammar(settings);
    this.#checkOpen();
    const signal = given ? AbortSignal.any([given, this.#closing.signal]) : this.#closing.signal;
    const arrival = { settings, ids, grammar, signal, deadline: new Deadline(settings.deadlineMs), startMs };
    try {
      const admitted = await this.#admit(arrival);
      try {
        yield* this.#run(arrival, admitted);
      } finally {
        admitted.lease.end();
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
    await this.#chain.close();
    if (isFirst) await this.#book?.save();
  }

  /** Waits, in order of arrival, until a chain is there that has room for the request. @throws BUSY, CANCELLED, DEADLINE */
  async #admit({ settings, ids, signal, deadline }: Arrival): Promise<Admitted> {
    this.#checkNotBusy();
    const leave = await deadline.bound(signal, (bounded) => this.#turnstile.enter(bounded));
    try {
      return await deadline.bound(signal, async (bounded) => {
        for (;;) {
          const { cluster, room, prefixes } = await this.#chain.usable(bounded);
          // What those before it leave behind may be of use to it.
          await room.slot(bounded);
          const found = settings.prefixCache ? prefixes.find(ids) : [];
          const cut = await this.#cut(settings, ids.length, found);
          const lease = await room.reserve(
            kvNeeds(cut, settings, this.model.shape, this.settings.kvDtype),
            bounded,
          );
          if (isUsable(cluster)) return { cluster, cut, lease };
          lease.end();
        }
      });
    } finally {
      leave();
    }
  }

  #checkNotBusy(): void {
    const { load } = this;
    if (load.waiting <= load.maxWaiting) return;
    const message = `${load.waiting} requests are waiting, the limit is ${load.maxWaiting}; try again in ${Math.ceil(load.expectedWaitMs / 1000)} s`;
    throw new KvrError('BUSY', message, { ...load });
  }

  async *#run(
    { settings, ids, grammar, signal, deadline, startMs }: Arrival,
    { cluster, cut, lease }: Admitted,
  ): AsyncGenerator<GenerateEvent> {
    const onRankEnd = (rank: number): void => lease.release(cut.workers[rank] as number);
    const held = grammar && { grammar: this.#vocabulary.before(grammar) };
    const chain = this.#specify(settings, cut, cluster, ids, signal);
    const spec = { ...chain, ...held, ...deadline.left, onRankEnd };
    const { shape, tokenizer } = this.model;
    const { dtype } = this.settings;
    const { predictedTtftMs } = cut;
    const queueMs = performance.now() - startMs;
    const input = {
      ...{ spec, tokenizer, stops: settings.stop, shownTokens: settings.shownTokens },
      ...{ layers: shape.layers },
      ...{ dtype, predictedTtftMs, queueMs },
    };
    for await (const event of runGeneration(input)) {
      if (event.type === 'done' && lease.wasAlone) this.#learn(cut, event.result);
      yield event;
    }
  }

  async #cut(
    settings: GenerateSettings,
    contextTokens: number,
    found: readonly CachedPrefix[] = [],
  ): Promise<Cut> {
    const { shape } = this.model;
    const { cluster, room } = this.#chain.state;
    const workers = cluster.workers.length;
    const table =
      settings.partition === 'p' ? await readTable(cacheFolder(this.settings.cacheDir), this) : undefined;
    const context = { contextTokens, workers, shape, book: this.#book, table };
    const cut = cutAfterPrefix(settings, context, found);
    return spreadCut(cut, settings, context, room.heldBytes);
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
      kvDtype: this.settings.kvDtype,
      sampling: samplingSchema.parse(sampling),
      eosIds: this.model.eosIds,
      wantLogits,
      cutsAt,
      ...(cut.reuse && { reuse: cut.reuse }),
      keep: settings.prefixCache,
      signal,
    };
  }

  /** Timelines of real requests keep the costs true to a machine that slows down. */
  #learn(cut: Cut, { strategy, promptTokens, cachedTokens, timeline }: GenerationResult): void {
    if (strategy === 'tsp-dense' || promptTokens < MIN_REFRESH_TOKENS || cachedTokens > 0) return;
    // Another engine's requests may have been in between.
    if (timeline.some(({ sharedMs = 0 }) => sharedMs > 0)) return;
    this.#book?.refresh(promptTokens, cut.workers, timeline);
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new KvrError('CLOSED', 'the engine was closed');
  }

  #openBook({ signal, onProgress }: EngineHooks): Promise<CostBook> {
    return CostBook.open(this.workers, {
      cacheFolder: cacheFolder(this.settings.cacheDir),
      shape: this.model.shape,
      chunkTokens: this.settings.chunkTokens,
      kvDtype: this.settings.kvDtype,
      isFresh: this.settings.calibrate === 'fresh',
      ...(signal && { signal }),
      ...(onProgress && { onMeasure: () => onProgress('measuring the workers', 0) }),
    });
  }
}

/** All workers of a chain have the same. */
function dtypeOf({ workers }: Cluster): Dtype {
  const [first] = workers;
  if (!first) throw new KvrError('INTERNAL', 'a chain has no workers');
  return first.ready.dtype;
}

export type { LoadedModel } from './load.js';
