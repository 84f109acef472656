/**
 * The costs of workers by their ids, measured or hypothetical: gives the costs of any chain of them. Pure.
 */
import { KvrError } from '../../core/errors.js';
import type { KvDtype } from '../../core/shape.js';
import { linkBetween, type LinkCost, type WorkerCost } from '../../plan/index.js';

/** The costs of one chain, in rank order. */
export type ChainKnowledge = {
  readonly workers: readonly WorkerCost[];
  /** links[i] joins worker i to worker i+1. */
  readonly links: readonly LinkCost[];
  /** Element type of the caches and of the rows on the links. */
  readonly kvDtype: KvDtype;
};

export class WorkerCosts {
  /** In chain order: links were measured between neighbours. */
  readonly ids: readonly string[];
  readonly #all: ChainKnowledge;

  constructor(ids: readonly string[], all: ChainKnowledge) {
    this.ids = ids;
    this.#all = all;
  }

  /**
   * A chain of some of the workers, in any order. A link that was not measured, past workers that are left out, is as slow as
   * the slowest of those it spans. @throws INTERNAL for a worker that is not known
   */
  chain(ids: readonly string[]): ChainKnowledge {
    const { workers, links, kvDtype } = this.#all;
    const places = ids.map((id) => this.#placeOf(id));
    return {
      workers: places.map((place) => workers[place] as WorkerCost),
      links: places.slice(1).map((to, rank) => linkBetween(links, places[rank] as number, to)),
      kvDtype,
    };
  }

  /** The same workers and links with other caches. Attention is as it was measured. */
  withKvDtype(kvDtype: KvDtype): WorkerCosts {
    return kvDtype === this.#all.kvDtype ? this : new WorkerCosts(this.ids, { ...this.#all, kvDtype });
  }

  #placeOf(id: string): number {
    const place = this.ids.indexOf(id);
    if (place < 0) throw new KvrError('INTERNAL', `worker ${id} was not measured`);
    return place;
  }
}
