/**
 * The way into the chain: requests wait in order of arrival until a chain is there that has room for the first of
 * them, and are then cut for it. Too many that wait are turned away, told how busy it is.
 */
import type { Cluster } from '../cluster/cluster.js';
import { KvrError } from '../core/errors.js';
import type { Arrival } from './arrival.js';
import type { Lease } from './chain-room.js';
import type { Cut } from './cut.js';
import type { EngineParts } from './engine-parts.js';
import { kvNeeds } from './kv-needs.js';
import { cutRequest } from './request-cut.js';
import { isUsable } from './running-chain.js';
import { Turnstile } from './turnstile.js';

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
export type Admitted = { readonly cluster: Cluster; readonly cut: Cut; readonly lease: Lease };

export class Admission {
  readonly #parts: EngineParts;
  /** Those who wait; the first of them waits for room in the chain. */
  readonly #turnstile: Turnstile;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    // Beside those who wait there is the one whose turn it is.
    this.#turnstile = new Turnstile(parts.settings.maxWaiting + 1);
  }

  get load(): EngineLoad {
    const { maxRunning, maxWaiting } = this.#parts.settings;
    const { room } = this.#parts.chain.state;
    const waiting = this.#turnstile.inside;
    const expectedWaitMs = waiting === 0 && room.running < maxRunning ? 0 : room.expectedWaitMs(waiting);
    return { running: room.running, waiting, maxRunning, maxWaiting, expectedWaitMs };
  }

  /** Waits, in order of arrival, until a chain is there that has room for the request. @throws BUSY, CANCELLED, DEADLINE */
  async admit(arrival: Arrival): Promise<Admitted> {
    const { signal, deadline } = arrival;
    this.#checkNotBusy();
    const leave = await deadline.bound(signal, (bounded) => this.#turnstile.enter(bounded));
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
  async #findRoom({ settings, ids }: Arrival, signal: AbortSignal): Promise<Admitted> {
    const { model, chain } = this.#parts;
    const { kvDtype } = this.#parts.settings;
    for (;;) {
      const { cluster, room, prefixes } = await chain.usable(signal);
      // What those before it leave behind may be of use to it.
      await room.slot(signal);
      const found = settings.prefixCache ? prefixes.find(ids) : [];
      const cut = await cutRequest(this.#parts, settings, ids.length, found);
      const lease = await room.reserve(kvNeeds(cut, settings, model.shape, kvDtype), signal);
      if (isUsable(cluster)) return { cluster, cut, lease };
      lease.end();
    }
  }
}
