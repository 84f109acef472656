/**
 * The way into the chain: requests wait in order of arrival until a chain is there that has room for the first of
 * them, and are then cut for it. Too many that wait are turned away, told how busy it is.
 */
import type { Cluster } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import type { ValidatedRequest } from './validated-request.js';
import type { Lease } from '../chain/kv-capacity.js';
import type { ChainPartition } from '../partition/chain-partition.js';
import type { EngineParts } from './engine-parts.js';
import { kvNeeds } from './kv-needs.js';
import { partitionRequest } from '../partition/partition-request.js';
import { isUsable } from '../chain/running-chain.js';
import { FifoGate } from './fifo-gate.js';

/** How busy an engine is: what a server tells those it turns away. */
export type EngineLoad = {
  readonly running: number;
  readonly waiting: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Time until a request that came now would be handed to the chain, as far as past ones tell. */
  readonly expectedWaitMs: number;
};

/** What a request has that may be handed to the chain. End the lease when the request has ended. */
export type Admitted = { readonly cluster: Cluster; readonly chosen: ChainPartition; readonly lease: Lease };

export class Admission {
  readonly #parts: EngineParts;
  /** Those who wait; the first of them waits for room in the chain. */
  readonly #gate: FifoGate;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    // Beside those who wait there is the one whose turn it is.
    this.#gate = new FifoGate(parts.settings.maxWaiting + 1);
  }

  get load(): EngineLoad {
    const { maxRunning, maxWaiting } = this.#parts.settings;
    const { capacity } = this.#parts.chain.state;
    const waiting = this.#gate.inside;
    const expectedWaitMs =
      waiting === 0 && capacity.running < maxRunning ? 0 : capacity.expectedWaitMs(waiting);
    return { running: capacity.running, waiting, maxRunning, maxWaiting, expectedWaitMs };
  }

  /** Waits, in order of arrival, until a chain is there that has room for the request. @throws BUSY, CANCELLED, DEADLINE */
  async admit(arrival: ValidatedRequest): Promise<Admitted> {
    const { signal, deadline } = arrival;
    this.#checkNotBusy();
    const leave = await deadline.bound(signal, (bounded) => this.#gate.enter(bounded));
    try {
      return await deadline.bound(signal, (bounded) => this.#findRoom(arrival, bounded));
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

  /** Begins anew where a worker died while the request waited. */
  async #findRoom({ settings, spec, ids }: ValidatedRequest, signal: AbortSignal): Promise<Admitted> {
    const { model, chain } = this.#parts;
    for (;;) {
      const { cluster, capacity, prefixes } = await chain.usable(signal);
      // What those before it leave behind may be of use to it.
      await capacity.slot(signal);
      const found = spec.prefixCache ? prefixes.find(ids) : [];
      const chosen = await partitionRequest(this.#parts, settings, ids.length, found);
      const lease = await capacity.reserve(kvNeeds(chosen, spec, model.shape), signal);
      if (isUsable(cluster)) return { cluster, chosen, lease };
      lease.end();
    }
  }
}
