import { expect, test } from 'vitest';
import { parseDuration, parseRate, parseTokens } from './quantities.js';

test.each([
  ['1', 1],
  ['512', 512],
  ['2k', 2048],
  ['16k', 16_384],
  ['1.5k', 1536],
  ['1M', 1_048_576],
])('%s tokens are %d', (text, tokens) => {
  expect(parseTokens('--context', text)).toBe(tokens);
});

test.each(['', '0', '-1', '1.5', '2K', '2kk', 'k', '1,2', ' 1', '2M', '1e3', '0x10', '1m', 'NaN'])(
  '%j tokens are refused with the bounds',
  (text) => {
    expect(() => parseTokens('--context', text)).toThrow(/^--context .* is not understood; give .* 1 to 1M/);
  },
);

test('speeds count bits for bit and bytes for B', () => {
  expect(parseRate('link', '10Gbit')).toBe(1.25e9);
  expect(parseRate('link', '1Gbit/s')).toBe(1.25e8);
  expect(parseRate('link', '200Mbit')).toBe(2.5e7);
  expect(parseRate('link', '12GB/s')).toBe(12e9);
});

test.each(['', '10', '10gbit', '10GB', '0Gbit', '-1Gbit', '1e3Gbit', '99999GB/s', '10Gbit/h', 'constructor'])(
  'speed %j is refused with the bounds',
  (text) => {
    expect(() => parseRate('link', text)).toThrow(/^link .* is not understood; give a speed from/);
  },
);

test('times are milliseconds', () => {
  expect(parseDuration('latency', '50us')).toBeCloseTo(0.05, 12);
  expect(parseDuration('latency', '1ms')).toBe(1);
  expect(parseDuration('latency', '0us')).toBe(0);
  expect(parseDuration('latency', '2s')).toBe(2000);
});

test.each(['', '5', 'ms', '-1ms', '11s', '1 ms', '1h', '5µs'])(
  'time %j is refused with the bounds',
  (text) => {
    expect(() => parseDuration('latency', text)).toThrow(/^latency .* is not understood; give a time from/);
  },
);
