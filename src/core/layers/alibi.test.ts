import { expect, test } from 'vitest';
import { alibiSlopes } from './alibi.js';

test('slopes halve from head to head where there are eight', () => {
  expect(alibiSlopes(8)).toEqual([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256]);
});

test.each([
  [1, [2 ** -8]],
  [2, [2 ** -4, 2 ** -8]],
  [3, [2 ** -4, 2 ** -8, 2 ** -2]],
  [6, [2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -1, 2 ** -3]],
])('of %i heads, with those beyond a power of two from twice as many', (heads, slopes) => {
  expect(alibiSlopes(heads)).toEqual(slopes);
});
