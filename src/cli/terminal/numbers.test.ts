import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseNumber } from './numbers.js';

const workers = z.number().int().min(1).max(64).default(1);
const share = z.number().gt(0).max(1).optional();

test.each([
  ['1', 1],
  ['64', 64],
  ['+7', 7],
  ['007', 7],
])('whole number %s is taken', (text, value) => {
  expect(parseNumber('--workers', text, workers)).toBe(value);
});

test.each(['0', '65', '1000', '-1', '99999999999999999999'])('whole number %s is out of range', (text) => {
  expect(() => parseNumber('--workers', text, workers)).toThrow(
    `--workers ${text} is out of range; give a whole number from 1 to 64`,
  );
});

test.each(['two', '1e3', '1e3x', '1.5', '0x10', 'NaN', 'Infinity', '', ' 1', '1 ', '١', '1_000', '1,2'])(
  'text %j is no whole number',
  (text) => {
    expect(() => parseNumber('--workers', text, workers)).toThrow(
      /^--workers .*is not a whole number; give .* 1 to 64$/,
    );
  },
);

test.each([
  ['0.5', 0.5],
  ['.5', 0.5],
  ['1.', 1],
  ['1e-3', 0.001],
])('number %s is taken', (text, value) => {
  expect(parseNumber('--top-p', text, share)).toBe(value);
});

test('a bound that does not belong to the range is refused and named so', () => {
  expect(() => parseNumber('--top-p', '0', share)).toThrow(
    '--top-p 0 is out of range; give a number above 0 to 1',
  );
});

test.each(['1e400', '-0.1', 'NaN', '1e3x', 'Infinity', '.', 'e5'])('number %s is refused', (text) => {
  expect(() => parseNumber('--top-p', text, share)).toThrow(/give a number above 0 to 1$/);
});

test('a long value is not repeated whole', () => {
  const error = (() => {
    try {
      return parseNumber('--workers', 'x'.repeat(10_000), workers);
    } catch (thrown) {
      return thrown as Error;
    }
  })();
  expect((error as Error).message.length).toBeLessThan(150);
});
