/**
 * The capacity of a chain: how many requests are under way, and the KV-cache they take on each worker. A request that does not
 * fit yet waits here, so that workers get only what they have room for. Knows numbers only.
 */
import { KvrError } from '../../core/errors.js';

/** Bytes of KV-cache by the worker's id, in rank order. */
export type KvNeeds = ReadonlyMap<string, number>;

export type Lease = {
  /** The most other requests that were under way at the same time. */
  readonly mostBeside: number;
  /** Workers are handed the request: each holds its part until release(), whatever becomes of the caller. */
  begin(): void;
  /** A worker has finished the request and freed its cache. The last one ends it. Twice is harmless. */
  release(worker: string): void;
  /** The caller is gone: ends a request that no worker was handed, and changes nothing for others. Twice is harmless. */
  end(): void;
};

type Holding = {
  readonly left: Map<string, number>;
  /** The last rank's worker. */
  readonly last: string | undefined;
  readonly startMs: number;
  mostBeside: number;
  hasBegun: boolean;
};

/** Weight of the latest request in the running mean of durations. */
const SMOOTHING = 0.2;

export class KvCapacity {
  readonly #limits: Map<string, number>;
  readonly #maxRunning: number;
  readonly #held = new Map<string, number>();
  readonly #holdings = new Set<Holding>();
  readonly #clock: () => number;
  readonly #onChange: (capacity: KvCapacity) => void;
  #meanMs = 0;
  #wake: () => void = () => undefined;

  /**
   * @param limits bytes of KV-cache that each worker may hold
   * @param onChange called after a request was let in, and after a worker has finished one
   */
  constructor(
    limits: KvNeeds,
    maxRunning: number,
    clock: () => number = () => performance.now(),
    onChange: (capacity: KvCapacity) => void = () => undefined,
  ) {
    this.#onChange = onChange;
    this.#limits = new Map(limits);
    this.#maxRunning = maxRunning;
    this.#clock = clock;
  }

  /** A worker has come, or has come back with other room. */
  setLimit(worker: string, bytes: number): void {
    this.#limits.set(worker, bytes);
    this.#wake();
  }

  get running(): number {
    return this.#holdings.size;
  }

  /** Workers that have not finished all requests under way. */
  get busyWorkers(): readonly string[] {
    return [...new Set([...this.#holdings].flatMap(({ left }) => [...left.keys()]))];
  }

  /** Whether a rank that passes rows on may still do so: all but a request's last one are over when they have. */
  get passesRows(): boolean {
    return [...this.#holdings].some(({ left, last }) => [...left.keys()].some((worker) => worker !== last));
  }

  /** Bytes of KV-cache that requests under way take on each worker. */
  get heldBytes(): KvNeeds {
    return this.#held;
  }

  /** Time after which one more request is likely to be let in, given how many are before it; 0 until one has ended. */
  expectedWaitMs(before: number): number {
    return ((before + 1) * this.#meanMs) / Math.max(1, this.running);
  }

  /** Waits until one more may run, as far as their number goes. @throws CANCELLED */
  async slot(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.running < this.#maxRunning, signal);
  }

  /**
   * Waits until there is room, and takes it. One caller at a time. What would not fit even an empty worker is let
   * through when the chain is empty: the worker then refuses it and says what to do.
   * @throws CANCELLED
   */
  async reserve(needs: KvNeeds, signal: AbortSignal): Promise<Lease> {
    await this.#until(() => this.#fits(needs), signal);
    const holding: Holding = {
      ...{ left: new Map(needs), last: [...needs.keys()].at(-1), startMs: this.#clock() },
      ...{ mostBeside: 0, hasBegun: false },
    };
    this.#holdings.add(holding);
    for (const each of this.#holdings) each.mostBeside = Math.max(each.mostBeside, this.running - 1);
    for (const [worker, bytes] of needs) this.#hold(worker, bytes);
    this.#onChange(this);
    return {
      get mostBeside() {
        return holding.mostBeside;
      },
      begin: () => void (holding.hasBegun = true),
      release: (worker) => this.#release(holding, worker),
      end: () => holding.hasBegun || this.#end(holding),
    };
  }

  #fits(needs: KvNeeds): boolean {
    if (this.running === 0) return true;
    if (this.running >= this.#maxRunning) return false;
    return [...needs].every(
      ([worker, bytes]) => (this.#held.get(worker) ?? 0) + bytes <= (this.#limits.get(worker) ?? 0),
    );
  }

  async #until(isTrue: () => boolean, signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted && !isTrue()) await new Promise<void>((resolve) => (this.#wake = resolve));
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    if (signal.aborted) throw new KvrError('CANCELLED', 'request was cancelled while it waited');
  }

  #hold(worker: string, bytes: number): void {
    this.#held.set(worker, (this.#held.get(worker) ?? 0) + bytes);
  }

  #release(holding: Holding, worker: string): void {
    this.#give(holding, worker);
    if (holding.left.size === 0) this.#end(holding);
  }

  #give(holding: Holding, worker: string): void {
    this.#hold(worker, -(holding.left.get(worker) ?? 0));
    holding.left.delete(worker);
    this.#onChange(this);
    this.#wake();
  }

  #end(holding: Holding): void {
    if (!this.#holdings.delete(holding)) return;
    for (const worker of [...holding.left.keys()]) this.#give(holding, worker);
    const ms = this.#clock() - holding.startMs;
    this.#meanMs = this.#meanMs === 0 ? ms : this.#meanMs + SMOOTHING * (ms - this.#meanMs);
    this.#wake();
  }
}
