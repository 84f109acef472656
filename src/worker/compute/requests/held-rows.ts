/**
 * The rows that a prompt or a decode step holds on the device, so that all go back however it ends.
 */
type Releasable = { release(): void };

export class HeldRows {
  readonly #rows = new Set<Releasable>();

  hold<T extends Releasable>(rows: T): T {
    this.#rows.add(rows);
    return rows;
  }

  release(rows: Releasable | undefined): void {
    if (rows && this.#rows.delete(rows)) rows.release();
  }

  releaseAll(): void {
    for (const rows of this.#rows) rows.release();
    this.#rows.clear();
  }
}
