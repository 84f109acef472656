import { expect, test } from 'vitest';
import { withTwin } from './row-pairs.js';

test('an odd count of rows becomes even by a second last row', () => {
  expect([...withTwin(Float32Array.of(1, 2), 1)]).toEqual([1, 2, 1, 2]);
  expect([...withTwin(Float32Array.of(1, 2, 3, 4, 5, 6), 3)]).toEqual([1, 2, 3, 4, 5, 6, 5, 6]);
});
