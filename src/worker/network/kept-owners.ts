/**
 * Which engine owns the rows that the compute thread keeps of ended requests: the engine whose request made them. It hears
 * when rows are kept and when they are dropped; when it disconnects, its rows are dropped.
 */
import type { Link } from '../../link/link.js';
import type { ComputeHandle } from '../threads/compute-handle.js';
import { send } from './send.js';
import type { FromCompute } from '../threads/thread-messages.js';

export class KeptOwners {
  readonly #compute: ComputeHandle;
  /** By entry, which has its request's number. */
  readonly #owners = new Map<number, Link>();

  constructor(compute: ComputeHandle) {
    this.#compute = compute;
  }

  /** @param engine undefined where the request, and with it its engine, is not known any more */
  onKept({ ids, ...kept }: Extract<FromCompute, { type: 'kept' }>, engine: Link | undefined): void {
    if (!engine || engine.isClosed) return this.#compute.post({ type: 'drop', entries: [kept.request] });
    this.#owners.set(kept.request, engine);
    send(engine, kept, new Uint8Array(ids.buffer));
  }

  onDropped(message: Extract<FromCompute, { type: 'dropped' }>): void {
    const engine = this.#owners.get(message.entry);
    if (engine && this.#owners.delete(message.entry) && !engine.isClosed) send(engine, message);
  }

  /** The engine has left. Its entries are forgotten here as the compute thread drops them. */
  leave(engine: Link): void {
    const entries = [...this.#owners].filter(([, owner]) => owner === engine).map(([entry]) => entry);
    if (entries.length > 0) this.#compute.post({ type: 'drop', entries });
  }
}
