import { expect, test } from 'vitest';
import { median, medianRange, middleOf, quantile } from './statistics.js';

test('the median is the value in the middle, or the mean of the two in the middle', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 2, 9])).toBe(3);
  expect(median([7])).toBe(7);
});

test('no values have no median, unless one is given for them', () => {
  expect(() => median([])).toThrow(/0 values/);
  expect(median([], Infinity)).toBe(Infinity);
  expect(() => medianRange([])).toThrow(/0 values/);
  expect(() => middleOf<number>([], Number)).toThrow(/0 items/);
});

test('quantiles go from the smallest value to the largest, along lines between neighbours', () => {
  const values = [40, 10, 30, 20, 50];
  expect([0, 0.25, 0.5, 0.9, 1].map((share) => quantile(values, share))).toEqual([10, 20, 30, 46, 50]);
  expect(values).toEqual([40, 10, 30, 20, 50]);
});

test('infinite values do not turn into NaN', () => {
  expect(median([Infinity, Infinity])).toBe(Infinity);
  expect(quantile([1, Infinity], 0)).toBe(1);
});

test('a range is the median between the smallest and the largest value', () => {
  expect(medianRange([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  expect(medianRange([4, 1, 2, 9])).toEqual({ median: 3, min: 1, max: 9 });
});

test('the item in the middle is one of the items', () => {
  expect(middleOf([4, 1, 2, 9], (value) => value)).toBe(2);
});
