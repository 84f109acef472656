/**
 * Collects a thread's garbage once it has had nothing to do for a while. V8 collects when something is allocated, so what the last
 * requests left would stay as long as no other comes. While there is work, V8 decides by itself.
 */

/** Frees what nothing refers to. Nothing happens in a process that was not started with `--expose-gc`, such as one of tests. */
export function collectGarbage(): void {
  globalThis.gc?.();
}

export class IdleCollection {
  readonly #collect: () => void;
  #isDue = true;

  constructor(collect: () => void = collectGarbage) {
    this.#collect = collect;
  }

  noteWork(): void {
    this.#isDue = true;
  }

  /** Nothing came for a while: collects, once until there is work again. @returns whether it did */
  noteQuiet(): boolean {
    if (!this.#isDue) return false;
    this.#isDue = false;
    this.#collect();
    return true;
  }
}
