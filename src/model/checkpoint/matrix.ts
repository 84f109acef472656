/**
 * Views of weight matrices: runs of rows out of a fused matrix, and columns as vectors. A view reads only
 * the rows it shows. Knows no file format; used by the architectures.
 */
import type { WeightMatrix } from '../../core/checkpoint.js';

/** Rows [start, end) of a matrix. */
export type RowRun = { readonly start: number; readonly end: number };

/** The runs' rows, in the order given, as one matrix. */
export function selectRows(matrix: WeightMatrix, runs: readonly RowRun[]): WeightMatrix {
  const rows = runs.reduce((sum, run) => sum + run.end - run.start, 0);
  const read = async (start: number, end: number): Promise<Float32Array> => {
    const wanted = clip(runs, start, end);
    const [only] = wanted;
    if (only !== undefined && wanted.length === 1) return matrix.read(only.start, only.end);
    const out = new Float32Array((end - start) * matrix.columns);
    let at = 0;
    for (const run of wanted) {
      out.set(await matrix.read(run.start, run.end), at);
      at += (run.end - run.start) * matrix.columns;
    }
    return out;
  };
  return { rows, columns: matrix.columns, read };
}

/** A matrix of one column as a vector: [rows, 1] → [1, rows]. */
export function asVector(column: WeightMatrix): WeightMatrix {
  const read = async (start: number, end: number): Promise<Float32Array> =>
    column.read(0, (end - start) * column.rows);
  return { rows: 1, columns: column.rows, read };
}

/** The runs of the underlying matrix that make up rows [start, end) of the view; neighbours are joined. */
function clip(runs: readonly RowRun[], start: number, end: number): RowRun[] {
  const wanted: RowRun[] = [];
  let before = 0;
  for (const run of runs) {
    const from = run.start + Math.max(0, start - before);
    const to = Math.min(run.end, run.start + end - before);
    before += run.end - run.start;
    if (from >= to) continue;
    const last = wanted.at(-1);
    if (last?.end === from) wanted[wanted.length - 1] = { start: last.start, end: to };
    else wanted.push({ start: from, end: to });
  }
  return wanted;
}
