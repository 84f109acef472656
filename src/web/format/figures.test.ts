import { expect, test } from 'vitest';
import {
  formatClock,
  formatContext,
  formatDifference,
  formatGain,
  formatMsOrNone,
  formatMs,
  formatParameters,
  formatRate,
  formatSpeedup,
  formatTick,
  formatTokenRate,
} from './figures.js';

test('figures that are not there are a dash', () => {
  expect([formatMsOrNone(null), formatTokenRate(null), formatMsOrNone(1396)]).toEqual(['–', '–', '1.40 s']);
});

test('rates, gains, contexts and parameters', () => {
  expect([formatTokenRate(104.28), formatTokenRate(3.21)]).toEqual(['104 tokens/s', '3.2 tokens/s']);
  expect([formatRate(0), formatRate(0.0123), formatRate(312_000)]).toEqual(['0 B/s', '12 B/s', '312 MB/s']);
  expect([formatGain(1.836), formatGain(12.3)]).toEqual(['1.84×', '12.3×']);
  expect([512, 1024, 1536, 131072].map(formatContext)).toEqual(['512', '1k', '1.5k', '128k']);
  expect([2173696, 6.74e9, 40e9, 111e6].map(formatParameters)).toEqual([
    '2.17 M',
    '6.74 B',
    '40.0 B',
    '111 M',
  ]);
});

test('a measured time says on which side of the prediction it lies', () => {
  expect(formatDifference(112, 100)).toBe('12 % above prediction');
  expect(formatDifference(97, 100)).toBe('3 % below prediction');
  expect(formatDifference(100.2, 100)).toBe('as predicted');
});

test('a measured time far above its prediction is a multiple of it', () => {
  expect(formatDifference(14_400, 2250)).toBe('6.4 times the prediction');
});

test('a chain is as fast as, or slower than, one worker', () => {
  expect([formatSpeedup(1840, 1000), formatSpeedup(1000, 2000)]).toEqual([
    'chain 1.84× as fast',
    'chain 2.00× slower',
  ]);
});

test('no time at all, and round times on an axis', () => {
  expect([formatMs(0), formatMs(641.2)]).toEqual(['0 ms', '641 ms']);
  expect([0, 200, 1500, 20_000, 0.25, 0.1 + 0.2].map(formatTick)).toEqual([
    '0',
    '200 ms',
    '1.5 s',
    '20 s',
    '0.25 ms',
    '0.3 ms',
  ]);
});

test('the time of day has two digits everywhere', () => {
  expect(formatClock(new Date(2026, 10, 25, 2, 7, 5).getTime())).toBe('02:07:05');
});
