/**
 * The chain that an engine has now, with its capacity and its kept prefixes. Workers come and go (cluster/); a request takes those
 * that are there, or waits for those that it asks for.
 */
import type { Cluster, ClusterWorker } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import { allCoreDecode } from './all-core-decode.js';
import { KvCapacity } from './kv-capacity.js';
import type { KvDtype } from '../../core/shape.js';
import { StoredIndex } from './stored-index.js';
import { Warnings } from './warnings.js';
import { OrderInForce } from '../order/order-in-force.js';
import { type CachedPrefix, PrefixIndex } from './prefix-index.js';
import { untilTrue } from '../../core/waits/until-true.js';

/** How long a request without a deadline waits for workers that are being opened again. */
const RECOVERY_WAIT_MS = 60_000;

/** How many of these workers a request needs, by their ids: as they are when it is asked, since some may join meanwhile. */
export type WorkersNeeded = { readonly count: number; readonly allowed: () => readonly string[] };

export class RunningChain {
  readonly cluster: Cluster;
  readonly capacity: KvCapacity;
  /** Call its follow() for every chain that is let in. */
  readonly order = new OrderInForce(() => this.capacity.passesRows);
  readonly #prefixes = new PrefixIndex();
  readonly #stored = new StoredIndex();
  readonly #warnings: Warnings;
  readonly #stopFollowing: () => void;
  #isClosed = false;

  /** @param warn takes what workers tell that does not matter to a request */
  constructor(cluster: Cluster, maxRunning: number, warn: (words: string) => void = () => undefined) {
    this.#warnings = new Warnings(warn);
    this.cluster = cluster;
    const onChange = cluster.allowsAllCoreDecode ? allCoreDecode(cluster) : undefined;
    this.capacity = new KvCapacity(new Map(), maxRunning, undefined, onChange);
    this.#stopFollowing = cluster.onChange(() => this.#follow());
    this.#follow();
  }

  /** Workers that can be used now, in chain order. */
  get workers(): readonly ClusterWorker[] {
    return this.cluster.workers;
  }

  /** True while all of these can still be used. */
  has(workers: readonly ClusterWorker[]): boolean {
    return workers.every((worker) => this.workers.includes(worker));
  }

  hasUsable({ count, allowed }: WorkersNeeded): boolean {
    return this.#usableOf(allowed()).length >= count;
  }

  /**
   * Waits until so many of these workers can be used. @param signal ends the wait; without a deadline it ends after RECOVERY_WAIT_MS
   * @throws CANCELLED, CLOSED, and why the workers are missing: WORKER_*, LINK
   */
  async usable(
    needed: WorkersNeeded,
    signal: AbortSignal,
    hasDeadline: boolean,
  ): Promise<readonly ClusterWorker[]> {
    const areThere = (): boolean => this.hasUsable(needed);
    if (areThere()) return this.#usableOf(needed.allowed());
    const late = hasDeadline ? undefined : AbortSignal.timeout(RECOVERY_WAIT_MS);
    const ends = late ? AbortSignal.any([signal, late]) : signal;
    await this.#until(() => this.#isClosed || areThere(), ends);
    if (this.#isClosed) throw new KvrError('CLOSED', 'the engine was closed');
    if (signal.aborted) throw new KvrError('CANCELLED', 'request was cancelled while it waited');
    if (!areThere()) throw this.#missing(needed.count, needed.allowed());
    return this.#usableOf(needed.allowed());
  }

  /** Blocks of prompts that lie on the workers' disks, as far as they have told. */
  get storedBlocks(): number {
    return this.#stored.blocks;
  }

  /** Settles when it is known what lies on the workers' disks; at once where nothing is kept there. */
  storesKnown(): Promise<void> {
    return this.#stored.known();
  }

  /**
   * What workers have of the rows that a prompt begins with, longest first: in memory, and on disk where that is more.
   */
  cachedPrefixes(ids: Int32Array, kvDtype: KvDtype): CachedPrefix[] {
    const inMemory = this.#prefixes.find(ids);
    const most = inMemory[0]?.tokens ?? 0;
    const workers = this.workers.map(({ handle }) => handle.id);
    const onDisk = this.#stored.find(ids, kvDtype, workers).filter(({ tokens }) => tokens > most);
    return [...onDisk, ...inMemory].sort((a, b) => b.tokens - a.tokens);
  }

  /** Ends the workers; settles when none is left. Twice is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopFollowing();
    await this.cluster.close();
  }

  /** A worker that was opened again has other room, and has kept nothing. */
  #follow(): void {
    for (const { handle, ready } of this.workers) this.capacity.setLimit(handle.id, ready.kvBytesLimit);
    this.#prefixes.follow(this.workers);
    this.#warnings.follow(this.workers);
    this.#stored.follow(this.workers);
  }

  #until(isTrue: () => boolean, signal: AbortSignal): Promise<void> {
    return untilTrue(isTrue, (look) => this.cluster.onChange(look), signal);
  }

  #usableOf(allowed: readonly string[]): readonly ClusterWorker[] {
    return this.workers.filter(({ handle }) => allowed.includes(handle.id));
  }

  #missing(count: number, allowed: readonly string[]): KvrError {
    const { members: all, invitation } = this.cluster;
    if (all.length === 0 && invitation !== undefined)
      return new KvrError('WORKER_DIED', `0 workers have joined; type on another machine: ${invitation}`);
    const members = all.filter(({ id }) => allowed.includes(id));
    const missing = members.find(({ status }) => status !== 'usable');
    const { reason } = missing ?? {};
    const message = `${this.#usableOf(allowed).length} of ${members.length} workers can be used and the request needs ${count}; ${missing?.id}: ${reason?.message ?? 'not open yet'}`;
    return new KvrError(reason?.code ?? 'WORKER_DIED', message, {}, reason);
  }
}
