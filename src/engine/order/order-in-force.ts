/**
 * The one order of workers that all chains under way keep to, up or down.
 *
 * A rank that can not pass rows on stops reading from the rank before it. With the chains 0→1→2, 1→2→0 and 2→0→1 each link
 * could so wait for the next one round a circle, for ever. Along one order a link up waits only for links further up, a link
 * down only for links further down, and the last worker always reads: no circle. Links belong to one engine, so other engines'
 * chains can not be a part of it. A chain of two passes nothing on. While no chain is on its way, the next may run in any order.
 */

/** Shorter chains relay nothing. */
const LEAST_RANKS = 3;

export class OrderInForce {
  readonly #hasChains: () => boolean;
  #order: readonly string[] = [];

  /** @param hasChains whether rows of any chain may still be on their way from rank to rank */
  constructor(hasChains: () => boolean) {
    this.#hasChains = hasChains;
  }

  /** The order of workers that a new chain must keep to, up or down; undefined where it may run in any. */
  among(workers: readonly string[]): readonly string[] | undefined {
    if (!this.#hasChains()) this.#order = [];
    return this.#order.length === 0 ? undefined : this.#sorted(workers);
  }

  /** A chain that was chosen by among() is on its way. @param workers those there are, in the engine's order */
  follow(chain: readonly string[], workers: readonly string[]): void {
    if (chain.length < LEAST_RANKS) return;
    const before = this.#order.length === 0 ? chain : this.#order;
    // Who is gone keeps its place: a chain with it may not have ended everywhere.
    this.#order = [...new Set([...before, ...workers, ...chain])];
  }

  /** Those in force first, others behind them. */
  #sorted(workers: readonly string[]): readonly string[] {
    const known = this.#order.filter((worker) => workers.includes(worker));
    return [...new Set([...known, ...workers])];
  }
}
