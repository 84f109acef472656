/**
 * Admission: requests wait, by priority and then in order of arrival, until the chain has capacity for the first of them, and
 * are then partitioned for it. When too many wait, one more is refused with the engine's load.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import type { ValidatedRequest } from './validated-request.js';
import type { Lease } from '../chain/kv-capacity.js';
import type { ChainPartition } from '../partition/chain-partition.js';
import type { EngineParts } from './engine-parts.js';
import { kvNeeds } from './kv-needs.js';
import { leastWorkers } from '../partition/least-workers.js';
import { partitionRequest } from '../partition/partition-request.js';
import { PriorityGate } from './priority-gate.js';

/** How busy an engine is; a server sends it with a refusal. */
export type EngineLoad = {
  readonly running: number;
  readonly waiting: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Time until a request that came now would be handed to the chain, as far as past ones tell. */
  readonly expectedWaitMs: number;
};

/** A request's place in the chain. End the lease when the request has ended. */
export type Admitted = {
  /** In rank order. */
  readonly workers: readonly ClusterWorker[];
  readonly chosen: ChainPartition;
  readonly lease: Lease;
};

export class Admission {
  readonly #parts: EngineParts;
  /** Those who wait; the first of them waits for room in the chain. */
  readonly #gate: PriorityGate;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    // Beside those who wait there is the one whose turn it is.
    this.#gate = new PriorityGate(parts.settings.maxWaiting + 1);
  }

  get load(): EngineLoad {
    const { maxRunning, maxWaiting } = this.#parts.settings;
    const { capacity } = this.#parts.chain;
    const waiting = this.#gate.inside;
    const expectedWaitMs =
      waiting === 0 && capacity.running < maxRunning ? 0 : capacity.expectedWaitMs(waiting);
    return { running: capacity.running, waiting, maxRunning, maxWaiting, expectedWaitMs };
  }

  /** Waits, by priority and order of arrival, until a chain is there that has room for the request. @throws BUSY, CANCELLED, DEADLINE */
  async admit(request: ValidatedRequest): Promise<Admitted> {
    const { signal, deadline, spec } = request;
    this.#checkNotBusy();
    const leave = await deadline.bound(signal, (bounded) => this.#gate.enter(bounded, spec.priority));
    try {
      return await deadline.bound(signal, (bounded) => this.#findRoom(request, bounded));
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

  /** Starts over if a worker is gone after the request has waited for it. */
  async #findRoom(request: ValidatedRequest, signal: AbortSignal): Promise<Admitted> {
    const { settings, spec, ids, deadline } = request;
    const { model, chain } = this.#parts;
    const { capacity, prefixes } = chain;
    const count = leastWorkers(settings, chain.cluster.members.length);
    for (;;) {
      await chain.usable(count, signal, deadline.isSet);
      // Requests that end meanwhile may leave rows that this one can use.
      await capacity.slot(signal);
      const found = spec.prefixCache ? prefixes.find(ids) : [];
      const chosen = await partitionRequest(this.#parts, settings, ids.length, found);
      const workers = this.#workersOf(chosen);
      if (!workers) continue;
      const lease = await capacity.reserve(kvNeeds(chosen, spec, model.shape), signal);
      if (chain.has(workers)) return { workers, chosen, lease };
      lease.end();
    }
  }

  /** In rank order; undefined where one has gone meanwhile. */
  #workersOf({ workers }: ChainPartition): readonly ClusterWorker[] | undefined {
    const all = this.#parts.chain.workers;
    const found = workers.map((id) => all.find(({ handle }) => handle.id === id));
    return found.every((worker) => worker !== undefined) ? found : undefined;
  }
}
