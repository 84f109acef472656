import { expect, test } from 'vitest';
import { rowsOfBytes } from '../../backend/conformance/wire-rows.test-support.js';
import { joinRows, quantizeRows, splitRows } from './q8-rows.js';

const numbersOf = (rows: Float32Array, headDim: number): number[] =>
  rowsOfBytes('q8', quantizeRows(rows, headDim), headDim);

test('a head has steps of a 127th of its largest number, ties to even, whatever other heads hold', () => {
  const quiet = [127, -127, 1.4, 1.6, 0.5, 1.5, -2.5, 0];
  const loud = quiet.map((value) => 1000 * value);
  const rounded = [127, -127, 1, 2, 0, 2, -2, 0];
  expect(numbersOf(Float32Array.from([...quiet, ...loud]), 8).map((value) => value + 0)).toEqual([
    ...rounded,
    ...rounded.map((value) => 1000 * value),
  ]);
});

test('a head of zeros stays one, also where its numbers are too small for a scale', () => {
  expect(numbersOf(Float32Array.of(0, 0, 1e-45, -1e-45), 2).map(Math.abs)).toEqual([0, 0, 0, 0]);
});

test('a scale of few digits does not turn a number over', () => {
  const tiny = 190 * 2 ** -149;
  const [one, other] = numbersOf(Float32Array.of(tiny, -tiny), 2);
  expect([Math.sign(one as number), Math.sign(other as number)]).toEqual([1, -1]);
});

test.each([NaN, Infinity, -Infinity])('%s shows in its head, and in no other', (value) => {
  const [first, second, ...others] = numbersOf(Float32Array.of(1, value, 3, 4), 2);
  expect([first, second].some(Number.isFinite)).toBe(false);
  expect(others.every(Number.isFinite)).toBe(true);
});

test('rows that are taken apart and put together are the same bytes, also heads of an odd width', () => {
  const rows = quantizeRows(
    Float32Array.from({ length: 4 * 6 }, (_, at) => Math.sin(at)),
    3,
  );
  expect(rows).toHaveLength(8 * (4 + 3));
  const { numbers, scales } = splitRows(rows, 3);
  expect([numbers.length, scales.length]).toEqual([24, 8]);
  expect(joinRows({ numbers, scales }, 3)).toEqual(rows);
});
