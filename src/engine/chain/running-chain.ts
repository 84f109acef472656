/**
 * The chain that an engine has now, with its capacity and its kept prefixes; restarted when one of its workers is gone.
 */
import type { Cluster, StartCluster } from '../../cluster/cluster.js';
import { KvrError } from '../../core/errors.js';
import { KvCapacity } from './kv-capacity.js';
import { allCoreDecode } from './all-core-decode.js';
import { PrefixIndex } from './prefix-index.js';

/** How long requests that do not need the dead worker may go on before the chain is restarted. */
const DRAIN_MS = 10_000;

/** One run of workers, from their start to their end. */
export type ChainState = {
  readonly cluster: Cluster;
  readonly capacity: KvCapacity;
  readonly prefixes: PrefixIndex;
};

export class RunningChain {
  readonly #startCluster: StartCluster;
  readonly #maxRunning: number;
  #state: ChainState;
  #restart: Promise<Cluster> | undefined;
  #isClosed = false;

  constructor(cluster: Cluster, startCluster: StartCluster, maxRunning: number) {
    this.#startCluster = startCluster;
    this.#maxRunning = maxRunning;
    this.#state = this.#stateOf(cluster);
  }

  get state(): ChainState {
    return this.#state;
  }

  /** Restarts the workers when one of them is gone. Only one caller at a time. @throws as StartCluster, CANCELLED, CLOSED */
  async usable(signal: AbortSignal): Promise<ChainState> {
    if (isUsable(this.#state.cluster)) return this.#state;
    await this.#drain(signal);
    await this.#state.cluster.close();
    this.#checkOpen();
    this.#restart = this.#startCluster(signal);
    this.#state = this.#stateOf(await this.#restart);
    return this.#state;
  }

  /** Ends the workers; settles when none is left. Twice is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // A restart that is under way belongs to nobody yet; its request reports the error.
    await this.#restart?.then(
      (cluster) => cluster.close(),
      () => undefined,
    );
    await this.#state.cluster.close();
  }

  /** Waits for requests that do not need the dead worker; those that take too long fail with the reason. */
  async #drain(signal: AbortSignal): Promise<void> {
    const { cluster, capacity } = this.#state;
    const late = AbortSignal.timeout(DRAIN_MS);
    try {
      await capacity.empty(AbortSignal.any([signal, late]));
    } catch (error) {
      if (signal.aborted) throw error;
    }
    const reason = new KvrError('WORKER_DIED', 'the chain is restarted because one of its workers is gone');
    for (const { handle } of cluster.workers) if (!handle.isEnded) handle.fail(reason);
  }

  #stateOf(cluster: Cluster): ChainState {
    const limits = new Map(cluster.workers.map(({ handle, ready }) => [handle.id, ready.kvBytesLimit]));
    const onChange = cluster.allowsAllCoreDecode ? allCoreDecode(cluster) : undefined;
    return {
      cluster,
      capacity: new KvCapacity(limits, this.#maxRunning, undefined, onChange),
      prefixes: new PrefixIndex(cluster.workers),
    };
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new KvrError('CLOSED', 'the engine was closed');
  }
}

export function isUsable(cluster: Cluster): boolean {
  return cluster.workers.every(({ handle }) => !handle.isEnded);
}
