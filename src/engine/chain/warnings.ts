/**
 * What workers tell that matters to no request, each line once: workers that share a disk find it full one after the other.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import type { WorkerHandle } from '../../cluster/worker-handle.js';

/** Lines that are remembered; after so many different ones nobody reads them any more. */
const MAX_LINES = 1000;

export class Warnings {
  readonly #warn: (words: string) => void;
  readonly #told = new Set<string>();
  readonly #followed = new WeakSet<WorkerHandle>();

  constructor(warn: (words: string) => void) {
    this.#warn = warn;
  }

  follow(workers: readonly Pick<ClusterWorker, 'handle'>[]): void {
    for (const { handle } of workers) {
      if (this.#followed.has(handle)) continue;
      this.#followed.add(handle);
      handle.listen((message) => message.type === 'warning' && this.#tell(message.words));
    }
  }

  #tell(words: string): void {
    if (this.#told.has(words) || this.#told.size >= MAX_LINES) return;
    this.#told.add(words);
    this.#warn(words);
  }
}
