/**
 * Admission: requests wait, by priority and then in order of arrival, until the chain has capacity for the first of them, and
 * are then partitioned for it. When too many wait, one more is refused with the engine's load.
 */
import { needsAllRows } from '../../core/request.js';
import { canReuseRows } from '../../core/shape.js';
import type { ClusterWorker } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import { allowedWorkers } from '../options/chain-choice.js';
import type { ValidatedRequest } from './validated-request.js';
import type { Lease } from '../chain/kv-capacity.js';
import type { WorkersNeeded } from '../chain/running-chain.js';
import type { ChainPartition } from '../partition/chain-partition.js';
import type { EngineParts } from './engine-parts.js';
import { kvNeeds } from './kv-needs.js';
import { leastWorkers } from '../partition/least-workers.js';
import { partitionRequest } from '../partition/partition-request.js';
import { Places } from './places.js';
import { PriorityGate, type Standing, type Waiting } from './priority-gate.js';

/** How busy an engine is; a server sends it with a refusal. */
export type EngineLoad = {
  readonly running: number;
  readonly waiting: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Time until a request that came now would be handed to the chain, as far as past ones tell. */
  readonly expectedWaitMs: number;
};

/** A request's place in the chain. Call `end` when the request has ended; twice is harmless. */
export type Admitted = {
  /** In rank order. */
  readonly workers: readonly ClusterWorker[];
  readonly chosen: ChainPartition;
  readonly lease: Lease;
  readonly end: () => void;
};

export class Admission {
  readonly #parts: EngineParts;
  /** Those who wait; the first of them waits for room in the chain. */
  readonly #gate: PriorityGate;
  readonly #places: Places;
  /** Requests that have come and have no place in the chain yet: those who wait, and the one whose turn it is. */
  #inside = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    // Beside those who wait there is the one whose turn it is.
    const { maxRunning, maxWaiting } = parts.settings;
    this.#places = new Places(maxRunning, maxWaiting);
    this.#gate = new PriorityGate(maxWaiting + 1, 1, (client) => this.#places.underWay(client));
  }

  /** Who waits for a turn, the next one first; behind them long requests, which wait for others of their kind to end. */
  get waiting(): readonly Waiting[] {
    return [...this.#gate.inOrder, ...this.#places.inOrder];
  }

  get load(): EngineLoad {
    const { maxRunning, maxWaiting } = this.#parts.settings;
    const { capacity } = this.#parts.chain;
    const waiting = this.#inside;
    const expectedWaitMs =
      waiting === 0 && capacity.running < maxRunning ? 0 : capacity.expectedWaitMs(waiting);
    return { running: capacity.running, waiting, maxRunning, maxWaiting, expectedWaitMs };
  }

  /**
   * Waits, by priority and order of arrival, until a chain is there that has room for the request.
   * @param isRetry it was here before: it goes first, and is not refused. @throws BUSY, CANCELLED, DEADLINE
   */
  async admit(request: ValidatedRequest, isRetry = false): Promise<Admitted> {
    if (!isRetry) this.#checkNotBusy();
    this.#inside++;
    try {
      return await this.#place(request, isRetry);
    } finally {
      this.#inside--;
    }
  }

  async #place(request: ValidatedRequest, isRetry: boolean): Promise<Admitted> {
    const { signal, deadline, spec, ids, settings } = request;
    const priority = isRetry ? -Infinity : spec.priority;
    const standing = { priority, client: settings.client, id: settings.id };
    const asking = {
      promptTokens: ids.length,
      maxTokens: settings.likelyTokens ?? spec.maxTokens,
      ...standing,
    };
    const endLong = await deadline.bound(signal, (bounded) => this.#places.wait(asking, bounded));
    try {
      const found = await this.#inTurn(request, standing);
      const leave = this.#places.take(settings.client);
      const end = (): void => {
        found.lease.end();
        leave();
        endLong();
      };
      return { ...found, end };
    } catch (error) {
      endLong();
      throw error;
    }
  }

  /** Who waits for workers that are missing has no turn meanwhile: others may have what they need. */
  async #inTurn(request: ValidatedRequest, standing: Standing): Promise<Omit<Admitted, 'end'>> {
    const { signal, deadline } = request;
    const { chain } = this.#parts;
    for (;;) {
      const needed = this.#workersNeeded(request);
      await deadline.bound(signal, (bounded) => chain.usable(needed, bounded, deadline.isSet));
      const leave = await deadline.bound(signal, (bounded) => this.#gate.enter(bounded, standing));
      try {
        const found = await deadline.bound(signal, (bounded) => this.#findRoom(request, bounded));
        if (found) return found;
      } finally {
        leave();
      }
    }
  }

  /** @throws BAD_INPUT */
  #workersNeeded({ settings }: ValidatedRequest): WorkersNeeded {
    const { cluster } = this.#parts.chain;
    const allowed = (): readonly string[] =>
      allowedWorkers(
        settings,
        cluster.members.map(({ id }) => id),
      );
    const count = leastWorkers(settings, allowed().length);
    const { decodeOn } = settings;
    if (count > 1 || decodeOn === undefined || !allowed().includes(decodeOn)) return { count, allowed };
    // A worker that is to decode is waited for while it is gone, though others could begin.
    return { count, allowed: () => allowed().filter((id) => id === decodeOn) };
  }

  #checkNotBusy(): void {
    const { load } = this;
    if (load.waiting <= load.maxWaiting) return;
    const message = `${load.waiting} requests are waiting, the limit is ${load.maxWaiting}; try again in ${Math.ceil(load.expectedWaitMs / 1000)} s`;
    throw new KvrError('BUSY', message, { ...load });
  }

  /** Starts over if a worker is gone after the request has waited for it. @returns undefined where too few are left */
  async #findRoom(
    request: ValidatedRequest,
    signal: AbortSignal,
  ): Promise<Omit<Admitted, 'end'> | undefined> {
    const { settings, spec, ids } = request;
    const { model, chain } = this.#parts;
    const { capacity } = chain;
    while (chain.hasUsable(this.#workersNeeded(request))) {
      // Requests that end meanwhile may leave rows that this one can use.
      await capacity.slot(signal);
      const isReusable = spec.prefixCache && !needsAllRows(spec) && canReuseRows(model.shape, ids.length);
      const found = isReusable ? chain.cachedPrefixes(ids, spec.kvDtype) : [];
      const chosen = await partitionRequest(this.#parts, settings, ids.length, {
        kvDtype: spec.kvDtype,
        found,
      });
      const workers = this.#workersOf(chosen);
      if (!workers) continue;
      const lease = await capacity.reserve(kvNeeds(chosen, spec, model.shape), signal);
      chain.order.follow(
        chosen.workers,
        chain.workers.map(({ handle }) => handle.id),
      );
      if (chain.has(workers)) return { workers, chosen, lease };
      lease.end();
    }
    return undefined;
  }

  /** In rank order; undefined where one has gone meanwhile. */
  #workersOf({ workers }: ChainPartition): readonly ClusterWorker[] | undefined {
    const all = this.#parts.chain.workers;
    const found = workers.map((id) => all.find(({ handle }) => handle.id === id));
    return found.every((worker) => worker !== undefined) ? found : undefined;
  }
}
