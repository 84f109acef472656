/**
 * Caches of requests that have ended, kept so that a later prompt that begins with the same tokens need not compute
 * them again: least recently used goes first, never more than a budget. Owned by the compute thread. An entry is
 * named by the request that made it; who may use it is the engine's matter, that its ids are the same is checked here.
 */
import { commonTokens } from '../../../core/ids/common-prefix.js';
import type { KvCache } from '../../../runtime/backend/kv-cache.js';
import type { CacheMaker } from './active-request.js';

/** Unused rows that an entry may carry along, as a share of its tokens, before it is copied to its size. */
const MAX_SLACK = 0.25;

export type PrefixEntry = {
  readonly entry: number;
  /** What its rows stand for, prompt and answer. */
  readonly ids: Int32Array;
  readonly cache: KvCache;
  /** Layers with a window have rows from the first on that the row at this position sees. */
  readonly start: number;
  readonly bytes: number;
};

export class PrefixStore {
  readonly #model: CacheMaker;
  readonly #budgetBytes: number;
  readonly #onDrop: (entry: number) => void;
  /** Least recently used first. */
  readonly #entries = new Map<number, PrefixEntry>();
  #bytes = 0;

  /** @param onDrop called for every entry that goes */
  constructor(model: CacheMaker, budgetBytes: number, onDrop: (entry: number) => void) {
    this.#model = model;
    this.#budgetBytes = budgetBytes;
    this.#onDrop = onDrop;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** An entry, whose use this does not count as. */
  peek(entry: number): PrefixEntry | undefined {
    return this.#entries.get(entry);
  }

  /** Makes an entry the most recently used one. */
  find(entry: number): PrefixEntry | undefined {
    const found = this.#entries.get(entry);
    if (!found || !this.#entries.delete(entry)) return undefined;
    this.#entries.set(entry, found);
    return found;
  }

  /**
   * Keeps rows [0, ids.length) of a cache, which is the store's from then on. What the new entry begins with is dropped: it has it all.
   * @param ids as many as the cache can be continued with
   * @param roomBytes more than this may not be held afterwards, whatever the budget
   * @param start as in PrefixEntry
   * @returns false where it is not kept and stays the caller's: too large, or another entry holds all of it
   */
  async keep(
    entry: number,
    ids: Int32Array,
    cache: KvCache,
    roomBytes: number,
    start = cache.start,
  ): Promise<boolean> {
    const mostBytes = Math.min(this.#budgetBytes, roomBytes);
    const longer = [...this.#entries.values()].find((other) => holdsAll(other, { ids, cache, start }));
    if (longer) this.find(longer.entry);
    const isSlack = cache.capacity > ids.length * (1 + MAX_SLACK);
    const bytes = (isSlack ? cache.bytesOf(ids.length) : cache.bytes) + cache.apartBytes;
    if (longer || ids.length === 0 || bytes > mostBytes) return false;
    for (const other of this.#entries.values())
      if (holdsAll({ ids, cache, start }, other)) this.drop(other.entry);
    this.shrinkTo(mostBytes - bytes);
    const kept = isSlack ? await this.#shrunk(cache, ids.length) : cache;
    if (kept !== cache) cache.close();
    // A copy of fewer rows keeps fewer apart.
    const held = kept === cache ? bytes : kept.bytes + kept.apartBytes;
    this.#entries.set(entry, { entry, ids, cache: kept, start, bytes: held });
    this.#bytes += held;
    return true;
  }

  #shrunk(cache: KvCache, tokens: number): Promise<KvCache> {
    return this.#model.continueCache(cache, tokens, tokens, { apart: cache.apart });
  }

  /** Drops entries, least recently used first, until at most so many bytes are held; `spared` stays. */
  shrinkTo(bytes: number, spared?: number): void {
    for (const { entry } of [...this.#entries.values()]) {
      if (this.#bytes <= bytes) return;
      if (entry !== spared) this.drop(entry);
    }
  }

  drop(entry: number): void {
    const found = this.#entries.get(entry);
    if (!found) return;
    this.#entries.delete(entry);
    this.#bytes -= found.bytes;
    found.cache.close();
    this.#onDrop(entry);
  }
}

/** True where all that can go on from the shorter entry can go on from the longer one, in the same element type. */
function holdsAll(longer: Rows, shorter: Rows): boolean {
  const isAlike = longer.cache.kvDtype === shorter.cache.kvDtype && longer.start <= shorter.start;
  const tokens = shorter.ids.length;
  return (
    isAlike && commonTokens(longer.ids, shorter.ids) === tokens && longer.cache.continuable(tokens) === tokens
  );
}
type Rows = Pick<PrefixEntry, 'ids' | 'cache' | 'start'>;
