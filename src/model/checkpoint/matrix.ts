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
