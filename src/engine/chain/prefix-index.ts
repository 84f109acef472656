/**
 * Which worker keeps rows of which tokens (ids only), as the workers report it. Finds the longest prefix that a prompt shares
 * with kept rows. May lag behind a worker by a message: a worker that has already dropped the rows computes them.
 */
import type { ClusterWorker } from '../../cluster/cluster.js';
import type { WorkerHandle } from '../../cluster/worker-handle.js';
import { commonTokens } from '../../core/ids/common-prefix.js';

/** Rows that a prompt can go on from. */
export type CachedPrefix = {
  /** The worker's id. */
  readonly worker: string;
  /** What the worker calls the rows; undefined where they are blocks on its disk. */
  readonly entry?: number;
  readonly tokens: number;
};

/** What a request's rank 0 goes on from. */
export type ReusedRows = Pick<CachedPrefix, 'entry' | 'tokens'>;

/** Shorter prefixes are ignored: a begin token and a turn's header are in every chat and should not decide a chain's order. */
export const LEAST_CACHED_TOKENS = 16;

type Kept = { readonly handle: WorkerHandle; readonly entries: Map<number, Int32Array> };

export class PrefixIndex {
  /** Ids of kept rows by entry, by worker. */
  readonly #kept = new Map<string, Kept>();

  /** Listens to these workers for as long as they are there; what others have kept is forgotten. */
  follow(workers: readonly Pick<ClusterWorker, 'handle'>[]): void {
    for (const [id, { handle }] of this.#kept) if (handle.isEnded) this.#kept.delete(id);
    for (const { handle } of workers)
      if (this.#kept.get(handle.id)?.handle !== handle) this.#listenTo(handle);
  }

  #listenTo(handle: WorkerHandle): void {
    const entries = new Map<number, Int32Array>();
    this.#kept.set(handle.id, { handle, entries });
    handle.listen((message, payload) => {
      if (message.type === 'kept') entries.set(message.request, new Int32Array(payload.slice().buffer));
      else if (message.type === 'dropped') entries.delete(message.entry);
    });
  }

  /** The best entry of each worker that has one, longest first. */
  find(ids: Int32Array): CachedPrefix[] {
    const found = [...this.#kept].flatMap(([worker, { entries }]) => {
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
