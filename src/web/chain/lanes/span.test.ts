import { expect, test } from 'vitest';
import { isWhole, MIN_SPAN_MS, move, ticks, zoom } from './span.js';

const whole = { fromMs: 0, toMs: 1000 };

test('zooming keeps the time under the pointer in its place', () => {
  expect(zoom(whole, 0.5, 250, whole)).toEqual({ fromMs: 125, toMs: 625 });
  expect(zoom({ fromMs: 125, toMs: 625 }, 0.5, 125, whole)).toEqual({ fromMs: 125, toMs: 375 });
});

test('zooming out ends at the whole, zooming in at the least stretch', () => {
  expect(zoom({ fromMs: 900, toMs: 1000 }, 100, 950, whole)).toEqual(whole);
  const least = zoom(whole, 1e-9, 500, whole);
  expect(least.toMs - least.fromMs).toBeCloseTo(MIN_SPAN_MS);
});

test('moving stops at both ends', () => {
  const span = { fromMs: 400, toMs: 600 };
  expect(move(span, 100, whole)).toEqual({ fromMs: 500, toMs: 700 });
  expect(move(span, 9999, whole)).toEqual({ fromMs: 800, toMs: 1000 });
  expect(move(span, -9999, whole)).toEqual({ fromMs: 0, toMs: 200 });
});

test('a stretch is the whole or not', () => {
  expect(isWhole(whole, whole)).toBe(true);
  expect(isWhole({ fromMs: 1, toMs: 1000 }, whole)).toBe(false);
});

test('ticks are round, inside, and no more than asked for', () => {
  expect(ticks(whole, 5)).toEqual([0, 200, 400, 600, 800, 1000]);
  expect(ticks({ fromMs: 130, toMs: 270 }, 4)).toEqual([150, 200, 250]);
  for (const most of [1, 3, 7])
    expect(ticks({ fromMs: 3.7, toMs: 911 }, most).length).toBeLessThanOrEqual(most + 1);
  expect(ticks({ fromMs: 5, toMs: 5 }, 4)).toEqual([]);
});
