/**
 * The library's front door: loads a model onto a chain of workers, answers prompts, ends cleanly. Requests are
 * handed to the chain in order of arrival, many at once, on the workers that are there; one that loses a worker goes on with others.
 */
import { setMaxListeners } from 'node:events';
import type { ClusterMember, ClusterWorker } from '../cluster/cluster.js';
import { areFound } from '../cluster/worker-source.js';
import { KvrError } from '../core/errors.js';
import { Admission, type EngineLoad } from './queue/admission.js';
import { AdmittedRuns } from './queue/admitted-runs.js';
import { type ValidatedRequest, validateRequest } from './queue/validated-request.js';
import type { Waiting } from './queue/priority-gate.js';
import { withRetries } from './queue/with-retries.js';
import type { CostSource } from './partition/cost-source.js';
import type { ChainPartition } from './partition/chain-partition.js';
import { loadParts } from './load-parts.js';
import type { EngineParts } from './queue/engine-parts.js';
import { embed } from './embedding/embed.js';
import type { EmbedRequest, EmbedResult } from './embedding/embed-request.js';
import type { GenerateEvent, GenerationResult } from './output/generation.js';
import type { LoadedModel } from './load/load.js';
import type { EngineOptions, EngineSettings } from './options/options.js';
import { type GenerateRequest, requestSchema } from './options/request.js';
import type { RequestPreparation } from './preparation/preparation.js';
import { parseOptions } from './options/parse-options.js';
import { partitionRequest, requestKvDtype } from './partition/partition-request.js';

/** Of workers that engines share, a second apart at last: as long as most answers of another engine take. */
const MAX_REFUSALS = 600;

export class Engine {
  readonly model: LoadedModel;
  readonly settings: EngineSettings;
  readonly #parts: EngineParts;
  readonly #admission: Admission;
  readonly #runs: AdmittedRuns;
  readonly #closing = new AbortController();

  private constructor(parts: EngineParts) {
    this.model = parts.model;
    this.settings = parts.settings;
    this.#parts = parts;
    this.#admission = new Admission(parts);
    this.#runs = new AdmittedRuns(parts, this.#admission);
    // As many as there are requests; each takes its own away.
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Opens a checkpoint, compiles it where that was not done before, starts the workers and, once, measures them.
   * @throws BAD_INPUT, MODEL_NOT_FOUND, BAD_CHECKPOINT, UNSUPPORTED_MODEL, CACHE_UNWRITABLE, DISK_FULL, WORKER_*
   */
  static async load(options: EngineOptions): Promise<Engine> {
    return new Engine(await loadParts(options));
  }

  /** Those that can be used now, in chain order. */
  get workers(): readonly ClusterWorker[] {
    return this.#parts.chain.workers;
  }

  /** All workers, in chain order, with the reason where one can not be used. */
  get members(): readonly ClusterMember[] {
    return this.#parts.chain.cluster.members;
  }

  /** What to type on another machine so that a worker of it joins; undefined where none can. */
  get invitation(): string | undefined {
    return this.#parts.chain.cluster.invitation;
  }

  /** Of workers that come by themselves or are found: how many were kept out, by reason. */
  get refusals(): ReadonlyMap<string, number> | undefined {
    return this.#parts.chain.cluster.refusals;
  }

  /** What was measured of the workers; undefined where calibration is off. */
  get costs(): CostSource | undefined {
    return this.#parts.calibration;
  }

  /** Where prompts become ids and grammars are checked. */
  get preparation(): RequestPreparation {
    return this.#parts.preparation;
  }

  get load(): EngineLoad {
    return this.#admission.load;
  }

  /**
   * Requests that wait for their turn, the next one first, by the `id` that they came with. The one whose turn it is, and which waits
   * for room on the workers, is not among them.
   */
  get waiting(): readonly Waiting[] {
    return this.#admission.waiting;
  }

  /** The chain that a request with so many prompt tokens would get now. @throws BAD_INPUT */
  async partition(
    request: Omit<GenerateRequest, 'prompt' | 'promptIds' | 'messages'>,
    contextTokens: number,
  ): Promise<ChainPartition> {
    const settings = parseOptions(requestSchema, request, 'request');
    const kvDtype = requestKvDtype(this.#parts, settings, contextTokens);
    return partitionRequest(this.#parts, settings, contextTokens, { kvDtype });
  }

  /**
   * Answers a prompt; may be called while others are answered. Leaving the loop early cancels the request.
   * @throws BAD_INPUT, PROMPT_TOO_LONG, CANCELLED, DEADLINE, BUSY with the fields of EngineLoad, WORKER_*, CACHE_DAMAGED,
   *   LINK, LOST_TOO_OFTEN, PROTOCOL with fields rank and phase, CLOSED
   */
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    const { signal: given } = request;
    try {
      const arrival = this.#withKvDtype(await validateRequest(request, this.#parts, this.#closing.signal));
      this.#checkOpen();
      const { retries, workers } = this.settings;
      const refusals = areFound(workers) ? MAX_REFUSALS : 0;
      yield* withRetries((attempt) => this.#runs.run(arrival, attempt), arrival, retries, refusals);
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

  /**
   * Embeddings of texts or token ids, by hidden states of the model after its final norm. Each input is a request to the chain
   * of its own, so all that holds for prompts holds for it: queue, bounds, priority, deadline, cancel.
   * @throws BAD_INPUT, UNSUPPORTED_MODEL, and as generate
   */
  embed(request: EmbedRequest): Promise<EmbedResult> {
    return embed(request, this.model, (one) => this.generate(one));
  }

  /** Cancels what runs and ends the workers it started; settles when none is left. Twice is harmless. */
  async close(): Promise<void> {
    const isFirst = !this.#closing.signal.aborted;
    this.#closing.abort();
    await Promise.all([this.#parts.chain.close(), this.#parts.preparation.close()]);
    if (isFirst) await this.#parts.calibration?.save();
  }

  #withKvDtype(request: ValidatedRequest): ValidatedRequest {
    const { spec, settings, ids } = request;
    const kvDtype = requestKvDtype(this.#parts, settings, ids.length);
    return kvDtype === spec.kvDtype ? request : { ...request, spec: { ...spec, kvDtype } };
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new KvrError('CLOSED', 'the engine was closed');
  }
}

export type { LoadedModel } from './load/load.js';
