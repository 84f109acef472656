import { expect, test } from 'vitest';
import { contextStops, LATENCIES, LINKS, stopAt, WORKERS } from './stops.js';

test('contexts end at what the model takes', () => {
  expect(contextStops(32_768).at(-1)).toEqual({ value: 32_768, label: '32k tokens' });
  expect(contextStops(131_072)).toHaveLength(17);
  expect(contextStops(200)).toEqual([{ value: 200, label: '200 tokens' }]);
});

test('the stop at a value is the nearest below it', () => {
  const stops = contextStops(32_768);
  expect(stops[stopAt(stops, 8192)]?.value).toBe(8192);
  expect(stops[stopAt(stops, 9000)]?.value).toBe(8192);
  expect(stopAt(stops, 1)).toBe(0);
});

test('speeds and times are words that the server reads', () => {
  for (const { value } of LINKS) expect(value).toMatch(/^\d+(\.\d+)?[MG]bit$/);
  for (const { value } of LATENCIES) expect(value).toMatch(/^\d+(\.\d+)?(us|ms)$/);
  expect(WORKERS.map(({ value }) => value)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
});
