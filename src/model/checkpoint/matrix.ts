/**
 * Views of weight matrices: runs of rows out of a fused matrix, and columns as vectors. A view reads only
 * the rows it shows. Knows no file format; used by the architectures.
 */
import type { IntegerRows, WeightMatrix } from '../../core/checkpoint.js';

/** Rows [start, end) of a matrix. */
export type RowRun = { readonly start: number; readonly end: number };

/** The runs' rows, in the order given, as one matrix. */
export function selectRows(matrix: WeightMatrix, runs: readonly RowRun[]): WeightMatrix {
  const { columns, integers } = matrix;
  const rows = runs.reduce((sum, run) => sum + run.end - run.start, 0);
  const read = async (start: number, end: number): Promise<Float32Array> =>
    joinFloats(await inRuns(runs, start, end, (run) => matrix.read(run.start, run.end)));
  if (!integers) return { rows, columns, read };
  const readIntegers = async (start: number, end: number): Promise<IntegerRows> =>
    joinIntegers(await inRuns(runs, start, end, (run) => integers.read(run.start, run.end)));
  return { rows, columns, read, integers: { ...integers, read: readIntegers } };
}

/** What `read` gives for each of the runs that make up rows [start, end) of the view. */
async function inRuns<T>(
  runs: readonly RowRun[],
  start: number,
  end: number,
  read: (run: RowRun) => Promise<T>,
): Promise<T[]> {
  const parts: T[] = [];
  for (const run of clip(runs, start, end)) parts.push(await read(run));
  return parts;
}

function joinFloats(parts: readonly Float32Array[]): Float32Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  fill(joined, parts);
  return joined;
}

function joinIntegers(parts: readonly IntegerRows[]): IntegerRows {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const codes = new Int8Array(parts.reduce((sum, part) => sum + part.codes.length, 0));
  fill(
    codes,
    parts.map((part) => part.codes),
  );
  return { codes, scales: joinFloats(parts.map((part) => part.scales)) };
}

function fill<T extends Float32Array | Int8Array>(target: T, parts: readonly T[]): void {
  let at = 0;
  for (const part of parts) {
    target.set(part, at);
    at += part.length;
  }
}

/** A matrix as a vector of its rows one after another: [rows, columns] → [1, rows·columns]. */
export function asVector(matrix: WeightMatrix): WeightMatrix {
  const { rows, columns } = matrix;
  return { rows: 1, columns: rows * columns, read: (start, end) => matrix.read(0, (end - start) * rows) };
}

/** Vectors as one, one after another. */
export function joinedVectors(vectors: readonly WeightMatrix[]): WeightMatrix {
  const columns = vectors.reduce((sum, vector) => sum + vector.columns, 0);
  const read = async (): Promise<Float32Array> =>
    joinFloats(await Promise.all(vectors.map((vector) => vector.read(0, 1))));
  return { rows: 1, columns, read };
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

/** Rows first, first + 2, … of a matrix with an even number of them. */
export function everyOtherRow(matrix: WeightMatrix, first: 0 | 1): WeightMatrix {
  const { rows, columns } = matrix;
  return {
    rows: rows / 2,
    columns,
    read: async (start, end) => {
      const both = await matrix.read(2 * start, 2 * end);
      const half = new Float32Array((end - start) * columns);
      for (let row = 0; row < end - start; row++) {
        const from = (2 * row + first) * columns;
        half.set(both.subarray(from, from + columns), row * columns);
      }
      return half;
    },
  };
}

/**
 * A matrix that is stored the other way round. Any run of its rows takes all that is stored, so that is held until the last row
 * was read: matrices are read from their first row to their last.
 */
export function transposedMatrix(stored: WeightMatrix): WeightMatrix {
  const [rows, columns] = [stored.columns, stored.rows];
  let held: Promise<Float32Array> | undefined;
  const read = async (start: number, end: number): Promise<Float32Array> => {
    held ??= stored.read(0, stored.rows);
    const values = await held;
    const part = new Float32Array((end - start) * columns);
    for (let column = 0; column < columns; column++) {
      for (let row = start; row < end; row++)
        part[(row - start) * columns + column] = values[column * rows + row] as number;
    }
    if (end === rows) held = undefined;
    return part;
  };
  return { rows, columns, read };
}
