/**
 * Which worker keeps rows of which tokens, from what the workers say; ids only. Asked for the longest beginning that a
 * prompt shares with anything kept. May be behind a worker by a message: a worker that has dropped rows computes them.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import { commonTokens } from '../../core/common-prefix.js';

/** Rows that a prompt can go on from. */
export type CachedPrefix = {
  /** Index into the cluster's workers. */
  readonly worker: number;
  readonly entry: number;
  readonly tokens: number;
};

/** Shorter beginnings are not worth a chain's order: a begin token and a turn's header are in every chat. */
export const LEAST_CACHED_TOKENS = 16;

export class PrefixIndex {
  readonly #kept: Map<number, Int32Array>[];

  /** Listens to the workers for as long as they are there. */
  constructor(workers: readonly Pick<ClusterWorker, 'handle'>[]) {
    this.#kept = workers.map(() => new Map<number, Int32Array>());
    workers.forEach(({ handle }, worker) => {
      handle.listen((message, payload) => {
        if (message.type === 'kept')
          this.#kept[worker]?.set(message.request, new Int32Array(payload.slice().buffer));
        else if (message.type === 'dropped') this.#kept[worker]?.delete(message.entry);
      });
    });
  }

  /** The best entry of each worker that has one, longest first. */
  find(ids: Int32Array): CachedPrefix[] {
    const found = this.#kept.flatMap((entries, worker) => {
      const common = [...entries].map(([entry, kept]) => ({
        worker,
        entry,
        tokens: commonTokens(kept, ids),
      }));
      common.sort((a, b) => b.tokens - a.tokens);
      return common.slice(0, 1).filter(({ tokens }) => tokens >= LEAST_CACHED_TOKENS);
    });
    return found.sort((a, b) => b.tokens - a.tokens);
  }
}
