/**
 * Measurements that an engine asks for before it plans: kernels (by the compute thread) and links to peers (by echoes).
 */
import type { Link } from '../../link/link.js';
import type { ComputeHandle } from '../threads/compute-handle.js';
import type { Connection } from './connections.js';
import type { Peers } from './peers.js';
import type { ProbeMessage, ToWorker } from '../protocol/index.js';
import { send, sendFailure } from './send.js';
import type { FromCompute } from '../threads/thread-messages.js';

export class Probes {
  readonly #compute: ComputeHandle;
  readonly #peers: Peers;
  /** Who asked for kernel times, by probe. */
  readonly #askers = new Map<number, Link>();

  constructor(compute: ComputeHandle, peers: Peers) {
    this.#compute = compute;
    this.#peers = peers;
  }

  askKernels(asker: Link, probe: ProbeMessage): void {
    this.#askers.set(probe.probe, asker);
    this.#compute.post({ type: 'probe', probe });
  }

  onProbed(message: Extract<FromCompute, { type: 'probed' }>): void {
    const asker = this.#askers.get(message.probe);
    this.#askers.delete(message.probe);
    if (asker) send(asker, message);
  }

  async measureLink(
    { engine, link }: Connection,
    { probe, worker, frames }: Extract<ToWorker, { type: 'probeLink' }>,
  ): Promise<void> {
    try {
      send(link, { type: 'probedLink', probe, ...(await this.#peers.measure({ engine, worker }, frames)) });
    } catch (error) {
      sendFailure(link, error, { phase: 'connect' });
    }
  }
}
