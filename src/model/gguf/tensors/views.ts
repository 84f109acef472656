/**
 * Views of stored matrices that undo what conversion to GGUF did to them. Each reads only the rows it shows.
 */
import type { IntegerRows, WeightMatrix } from '../../../core/checkpoint.js';

/** A vector [1, n] as a matrix of one column [n, 1], so that runs of its elements can be taken as rows. */
export function asColumn(vector: WeightMatrix): WeightMatrix {
  const read = async (start: number, end: number): Promise<Float32Array> =>
    (await vector.read(0, 1)).slice(start, end);
  return { rows: vector.columns, columns: 1, read };
}

/** A vector of w where 1 + w is stored. */
export function lessOne(vector: WeightMatrix): WeightMatrix {
  const read = async (start: number, end: number): Promise<Float32Array> =>
    (await vector.read(start, end)).map((value) => value - 1);
  return { rows: vector.rows, columns: vector.columns, read };
}

/**
 * Heads of `headDim` rows, where the two rows that are rotated together are stored beside each other: row j of the first
 * half, row j of the second, and so on. The view has the first halves of each head before the second ones.
 */
export function halvesFromNeighbours(matrix: WeightMatrix, headDim: number): WeightMatrix {
  const { rows, columns, integers } = matrix;
  const read = async (start: number, end: number): Promise<Float32Array> => {
    const [from, to] = wholeHeads(start, end, headDim);
    return picked(await matrix.read(from, to), columns, { start, end, from, headDim });
  };
  if (!integers) return { rows, columns, read };
  const scaleColumns = columns / integers.blockSize;
  const readIntegers = async (start: number, end: number): Promise<IntegerRows> => {
    const [from, to] = wholeHeads(start, end, headDim);
    const { codes, scales } = await integers.read(from, to);
    const rowsWanted = { start, end, from, headDim };
    return {
      codes: picked(codes, columns, rowsWanted),
      scales: picked(scales, scaleColumns, rowsWanted),
    };
  };
  return { rows, columns, read, integers: { ...integers, read: readIntegers } };
}

function wholeHeads(start: number, end: number, headDim: number): [from: number, to: number] {
  return [Math.floor(start / headDim) * headDim, Math.ceil(end / headDim) * headDim];
}

type Wanted = {
  readonly start: number;
  readonly end: number;
  /** The row that `stored` begins with. */
  readonly from: number;
  readonly headDim: number;
};

function picked<T extends Float32Array | Int8Array>(
  stored: T,
  columns: number,
  { start, end, from, headDim }: Wanted,
): T {
  const half = headDim / 2;
  const out = stored.slice(0, (end - start) * columns) as T;
  for (let row = start; row < end; row++) {
    const within = row % headDim;
    const place = row - within + 2 * (within % half) + (within < half ? 0 : 1);
    const at = (place - from) * columns;
    out.set(stored.subarray(at, at + columns), (row - start) * columns);
  }
  return out;
}
