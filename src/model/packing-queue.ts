/**
 * Graphs that are written wait here to be packed while the next ones are converted. A few at most, so that disk and memory
 * stay bounded; the first failure ends all. Called by compile.
 */

/** Hands a graph to the kernels' own packing. */
export type Packing = {
  /** Graphs that can be packed at the same time. */
  readonly lanes: number;
  /** Rewrites the graph at `source` as `target`, with its weights laid out for this machine's kernels where that is safe. */
  prepack(source: string, target: string): Promise<boolean>;
  close(): Promise<void>;
};

/** Written, and not begun to be packed. */
const MAX_WAITING = 1;

export class PackingQueue {
  readonly #most: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor({ lanes }: Packing) {
    this.#most = lanes + MAX_WAITING;
  }

  /** Returns once there is room for what is added. @throws what an earlier piece threw */
  async add(pack: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#most && !this.#failure) await Promise.race(this.#running);
    this.#check();
    const piece: Promise<void> = pack()
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => this.#running.delete(piece));
    this.#running.add(piece);
  }

  /** Waits for all that was added. @throws what the first that failed threw */
  async finish(): Promise<void> {
    await this.settle();
    this.#check();
  }

  /** Waits for all that was added, whatever comes of it. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
