import { expect, test } from 'vitest';
import type { WeightMatrix } from '../../core/checkpoint.js';
import { asVector, selectRows } from './matrix.js';

/** A matrix whose value at (row, column) is row·100 + column, and the rows that were read from it. */
function recorded(rows: number, columns: number): { matrix: WeightMatrix; reads: [number, number][] } {
  const reads: [number, number][] = [];
  const read = async (start: number, end: number) => {
    reads.push([start, end]);
    return Float32Array.from(
      { length: (end - start) * columns },
      (_, i) => (start + Math.floor(i / columns)) * 100 + (i % columns),
    );
  };
  return { matrix: { rows, columns, read }, reads };
}

const RUNS = [
  { start: 2, end: 5 },
  { start: 9, end: 10 },
  { start: 0, end: 2 },
  { start: 2, end: 4 },
];
const ROWS = [2, 3, 4, 9, 0, 1, 2, 3];

test('every range of a selection has the rows that the runs name', async () => {
  const view = selectRows(recorded(10, 3).matrix, RUNS);
  expect([view.rows, view.columns]).toEqual([8, 3]);
  for (let start = 0; start <= 8; start++) {
    for (let end = start; end <= 8; end++) {
      const expected = ROWS.slice(start, end).flatMap((row) => [0, 1, 2].map((column) => row * 100 + column));
      expect([...(await view.read(start, end))]).toEqual(expected);
    }
  }
});

test('only the rows that are wanted are read, neighbours at once', async () => {
  const { matrix, reads } = recorded(10, 3);
  const view = selectRows(matrix, RUNS);
  await view.read(4, 8);
  await view.read(1, 2);
  expect(reads).toEqual([
    [0, 4],
    [3, 4],
  ]);
});

test('a column becomes a vector', async () => {
  const vector = asVector(selectRows(recorded(10, 1).matrix, RUNS));
  expect([vector.rows, vector.columns]).toEqual([1, 8]);
  expect([...(await vector.read(0, 1))]).toEqual(ROWS.map((row) => row * 100));
  expect(await vector.read(0, 0)).toEqual(new Float32Array());
  expect(await vector.read(1, 1)).toEqual(new Float32Array());
});
