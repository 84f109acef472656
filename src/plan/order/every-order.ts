/**
 * All orders of a few workers, rank by rank: orders share what they begin with. A beginning is dropped where it can not be in
 * time, or where others with the same workers are ahead; whole orders get slices that finish together, and an estimate. Pure.
 *
 * A time T is the limit. Every rank takes the most tokens it can compute in T (water-fill.ts) after those before it, and no more
 * of them than the links carry in T. Orders that do not get through the prompt like that are slower than T, since T then lacks time
 * for compute alone: they are ruled out, not guessed away. What is left is estimated as if time and tokens grew alike.
 */
import type { WorkerCost } from '../costs/cost-model.js';
import { firstLayerMs, tailWork } from '../costs/rank-work.js';
import { linkBetween } from '../costs/sub-chain.js';
import { linkTokens, sliceWithin } from '../search/water-fill.js';
import { type Field, mayFollow } from './field.js';

/** An order that may be in time. */
export type WeighedOrder = {
  readonly workers: readonly number[];
  /** Tokens of each rank in the given time; they add up to the new tokens or more. */
  readonly sizes: readonly number[];
  /** Until the first token, or the last one: see timeOf(). */
  readonly estimateMs: number;
};

/** Ranks so far; the last of them has no slice yet. */
type Begun = {
  readonly workers: readonly number[];
  /** Of the ranks before the last. */
  readonly sizes: readonly number[];
  /** What those have got through, and the links carry up to the last rank. */
  readonly tokens: number;
  readonly longestFirstMs: number;
  readonly latencyMs: number;
};

/**
 * With the same workers so far and the same last one, more tokens so far are more tokens in the end: attention to a longer prefix
 * takes less than computing it. One would do if latencies and first blocks did not count.
 */
const KEPT_ALIKE = 2;

/**
 * Orders of workers among the first `count`, the last of them included, that may take less than a time.
 * @param limitMs until the first token or, where the aim weighs an answer, the last one
 */
export function ordersWithin(field: Field, count: number, limitMs: number): WeighedOrder[] {
  return new OrderSearch(field, count, limitMs).orders();
}

class OrderSearch {
  readonly #field: Field;
  readonly #count: number;
  readonly #limitMs: number;
  /** The most of limitMs that is left for the prompt. */
  readonly #promptMs: number;
  /** Tokens of each worker as the first rank: behind others it does fewer. */
  readonly #mostTokens: readonly number[];
  /** What each worker took last: the next time it will be about as much. */
  readonly #near: number[] = [];

  constructor(field: Field, count: number, limitMs: number) {
    this.#field = field;
    this.#count = count;
    this.#limitMs = limitMs;
    this.#promptMs = limitMs - Math.min(...field.decodesMs.slice(0, count));
    this.#mostTokens = Array.from({ length: count }, (_, worker) => this.#slice(startingWith(worker)));
  }

  orders(): WeighedOrder[] {
    const found: WeighedOrder[] = [];
    const starts = this.#field.isFirstFixed ? [0] : [...this.#mostTokens.keys()];
    let begun = starts.map(startingWith);
    while (begun.length > 0) {
      const slices = begun.map((each) => Math.max(1, this.#slice(each)));
      begun.forEach((each, at) => found.push(...this.#whole(each, slices[at] as number)));
      begun = furthest(begun.flatMap((each, at) => this.#longer(each, slices[at] as number)));
    }
    return found;
  }

  /** The largest slice of the last worker. */
  #slice({ workers, tokens: start, longestFirstMs }: Begun): number {
    const { costs, newTokens } = this.#field;
    const worker = workers.at(-1) as number;
    const cost = costs.workers[worker] as WorkerCost;
    const before = { start, longestFirstMs };
    const size = sliceWithin(costs, cost, before, this.#promptMs, newTokens, this.#near[worker]);
    this.#near[worker] = size;
    return size;
  }

  /** The chain that ends here, if it gets through the prompt. */
  #whole({ workers, sizes, tokens: before, latencyMs }: Begun, size: number): WeighedOrder[] {
    const { costs, newTokens, decodesMs } = this.#field;
    const last = workers.at(-1) as number;
    const tokens = before + size;
    if (tokens < newTokens || !workers.includes(this.#count - 1)) return [];
    const { tailMs } = tailWork(costs.workers[last] as WorkerCost, costs.contextTokens, costs.layerShares);
    const restMs = tailMs + latencyMs + (decodesMs[last] as number);
    const estimateMs = this.#promptMs * (newTokens / tokens) + restMs;
    return restMs < this.#limitMs ? [{ workers, sizes: [...sizes, size], estimateMs }] : [];
  }

  /** One rank more, whichever may follow and still be in time. */
  #longer(begun: Begun, size: number): Begun[] {
    const { costs, newTokens } = this.#field;
    const { workers, tokens: start } = begun;
    if (workers.length >= newTokens) return [];
    const last = workers.at(-1) as number;
    const firstMs = firstLayerMs(costs.workers[last] as WorkerCost, size);
    const longestFirstMs = Math.max(begun.longestFirstMs, firstMs);
    const most = this.#mostOfOthers(workers);
    return [...this.#mostTokens.keys()].flatMap((next) => {
      if (workers.includes(next) || !mayFollow(this.#field, next, last, workers.at(-2))) return [];
      const link = linkBetween(costs.links, last, next);
      const tokens = Math.min(start + size, linkTokens(costs, link, this.#promptMs));
      if (tokens + most < newTokens) return [];
      const sizes = [...begun.sizes, Math.max(1, tokens - start)];
      const latencyMs = begun.latencyMs + link.latencyMs;
      return [{ workers: [...workers, next], sizes, tokens, longestFirstMs, latencyMs }];
    });
  }

  #mostOfOthers(workers: readonly number[]): number {
    return this.#mostTokens.reduce((sum, most, worker) => (workers.includes(worker) ? sum : sum + most), 0);
  }
}

function startingWith(worker: number): Begun {
  return { workers: [worker], sizes: [], tokens: 0, longestFirstMs: 0, latencyMs: 0 };
}

function furthest(all: readonly Begun[]): Begun[] {
  const alike = new Map<string, Begun[]>();
  for (const begun of all) {
    const { workers } = begun;
    const key = `${workers.toSorted((a, b) => a - b).join()} ${workers.at(-1)}`;
    alike.set(key, [...(alike.get(key) ?? []), begun]);
  }
  return [...alike.values()].flatMap((each) =>
    each.sort((a, b) => b.tokens - a.tokens || a.latencyMs - b.latencyMs).slice(0, KEPT_ALIKE),
  );
}
