/**
 * Adds up rows of hidden states, as a rank's part of an embedding. In f64, so that where a prompt is cut makes no difference
 * that shows in f32.
 */

/** A rank's rows, added up. */
export type PooledRows = {
  /** How many rows. */
  readonly tokens: number;
  /** [hidden]; the receiver's. */
  readonly sums: Float64Array<ArrayBuffer>;
};

export class RowSum {
  readonly #sums: Float64Array<ArrayBuffer>;
  #tokens = 0;

  constructor(hidden: number) {
    this.#sums = new Float64Array(hidden);
  }

  /** @param rows [tokens, hidden] */
  add(rows: Float32Array): void {
    const hidden = this.#sums.length;
    for (let start = 0; start < rows.length; start += hidden) {
      for (let at = 0; at < hidden; at++)
        this.#sums[at] = (this.#sums[at] as number) + (rows[start + at] as number);
      this.#tokens++;
    }
  }

  get pooled(): PooledRows {
    return { tokens: this.#tokens, sums: this.#sums };
  }
}
