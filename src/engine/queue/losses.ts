/**
 * When a request has lost its worker too often. Pure.
 *
 * A request may be what ends workers, and is then run again only a few times. But most losses are not its fault: one that several
 * requests had together is at most the fault of one of them, so it counts in parts, and a request that has got further since its
 * last loss starts counting anew.
 */

/** All losses of a request, however far it has got in between: one that ends its worker after every token comes to an end, too. */
export const MAX_RECOVERIES_PER_REQUEST = 64;

export class Losses {
  #inARow = 0;
  #all = 0;

  /**
   * @param sharedBy requests that had it together, this one included
   * @param hasGotFurther whether the answer has grown since the last loss
   */
  note(sharedBy: number, hasGotFurther: boolean): void {
    if (hasGotFurther) this.#inARow = 0;
    this.#inARow += 1 / sharedBy;
    this.#all++;
  }

  get all(): number {
    return this.#all;
  }

  /** @param maxRetries losses of its own that a request may have without getting further */
  areTooMany(maxRetries: number): boolean {
    return this.#inARow > maxRetries || this.#all > MAX_RECOVERIES_PER_REQUEST;
  }
}
