import { expect, test } from 'vitest';
import { seededRandom } from '../../../test/reference/random.js';
import { type Activations, chooseFactors, type SampledRows } from './factors.js';

const ROWS = 16;
const WIDTH = 64;
const LOUD = 64;

function normals(seed: number, rows: number, scaleOf: (row: number, column: number) => number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from(
    { length: rows * WIDTH },
    (_, i) => random.normal() * scaleOf(Math.floor(i / WIDTH), i % WIDTH),
  );
}

const activations = (scaleOf: (row: number, column: number) => number): Activations => ({
  rows: ROWS,
  width: WIDTH,
  values: normals(1, ROWS, scaleOf),
});
const weights = (scaleOf: (column: number) => number): SampledRows[] => [
  { values: normals(2, 32, (_, column) => scaleOf(column)), rowsEach: 4 },
];

test('an input without loud channels is left as it is', () => {
  const input = { activations: activations(() => 1), weights: weights(() => 1) };
  expect(chooseFactors(input)).toBeUndefined();
});

test('a loud channel, and it alone, is divided by a power of two', () => {
  const loudAt = (column: number): number => (column === 5 ? LOUD : 1);
  const factors = chooseFactors({
    activations: activations((_, column) => loudAt(column)),
    weights: weights((column) => 1 / loudAt(column)),
  });
  expect(factors?.[5]).toBeGreaterThanOrEqual(LOUD / 4);
  factors?.forEach((factor, column) => {
    expect(Number.isInteger(Math.log2(factor))).toBe(true);
    if (column !== 5) expect(factor).toBeLessThanOrEqual(2);
  });
});

test('what one row alone shows is taken for no rule', () => {
  const input = {
    activations: activations((row, column) => (row === 0 && column === 5 ? LOUD : 1)),
    weights: weights(() => 1),
  };
  expect(chooseFactors(input)).toBeUndefined();
});

test('columns of one channel share a factor, which the loudest asks for', () => {
  const factors = chooseFactors({
    activations: activations((_, column) => (column === 5 ? LOUD : 1)),
    weights: weights((column) => (column % 32 === 5 ? 1 / LOUD : 1)),
    channels: Int32Array.from({ length: WIDTH }, (_, column) => column % 32),
  });
  expect(factors?.[5]).toBeGreaterThan(4);
  expect(factors?.[37]).toBe(factors?.[5]);
});

test('channels and rows of zeros are no trouble', () => {
  const factors = chooseFactors({
    activations: activations((row, column) => (row === 3 || column === 0 ? 0 : column === 5 ? LOUD : 1)),
    weights: weights((column) => (column === 1 ? 0 : 1)),
  });
  for (const factor of factors ?? []) expect(factor).toBeGreaterThanOrEqual(1);
});
