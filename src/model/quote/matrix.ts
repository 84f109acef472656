/** A weight matrix that is filled place by place; zero where nothing was set. Used by this folder alone. */
export class Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row-major [rows, columns]. */
  readonly data: Float32Array;

  constructor(rows: number, columns: number) {
    this.rows = rows;
    this.columns = columns;
    this.data = new Float32Array(rows * columns);
  }

  set(row: number, column: number, value: number): void {
    this.data[row * this.columns + column] = value;
  }

  /** Writes `values` times `factor` into a row, from `column` on. */
  setRow(row: number, column: number, values: Float32Array, factor = 1): void {
    for (const [i, value] of values.entries()) this.set(row, column + i, value * factor);
  }
}
