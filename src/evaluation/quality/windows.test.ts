import { expect, test } from 'vitest';
import { windowsOf } from './windows.js';

const listed = (windows: Int32Array[]): number[][] => windows.map((window) => [...window]);

test('a begin token stands in front of every window and counts as one of its tokens', () => {
  expect(listed(windowsOf([1, 5, 6, 7, 8, 9], 1, 3))).toEqual([
    [1, 5, 6],
    [1, 7, 8],
    [1, 9],
  ]);
});

test('without a begin token windows follow each other, and one of a single token, which predicts nothing, is left out', () => {
  expect(listed(windowsOf([5, 6, 7, 8, 9], undefined, 2))).toEqual([
    [5, 6],
    [7, 8],
  ]);
  expect(listed(windowsOf([5, 6, 7], 1, 4))).toEqual([[5, 6, 7]]);
  expect(windowsOf([1], 1, 4)).toEqual([]);
});
