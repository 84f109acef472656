import { expect, test } from 'vitest';
import { activeSpan, columnRates, flowsOf, mostRate, rateAt } from './rates.js';

const flow = { bucketMs: 10, bytes: [0, 100, 50, 0, 200, 0] };

test('columns have the mean of what lies in them, at any zoom', () => {
  expect([...columnRates(flow, { fromMs: 0, toMs: 80 }, 4)]).toEqual([5, 2.5, 10, 0]);
  expect([...columnRates(flow, { fromMs: 5, toMs: 25 }, 4)]).toEqual([0, 10, 10, 5]);
  expect([...columnRates(flow, { fromMs: 12, toMs: 14 }, 2)]).toEqual([10, 10]);
  expect([...columnRates(flow, { fromMs: 100, toMs: 200 }, 2)]).toEqual([0, 0]);
});

test('all bytes are drawn, however the columns lie', () => {
  const span = { fromMs: 0, toMs: 61.7 };
  const columnMs = span.toMs / 13;
  const drawn = columnRates(flow, span, 13).reduce((sum, rate) => sum + rate * columnMs, 0);
  expect(drawn).toBeCloseTo(350, 6);
});

test('the most, at a moment, and from when to when', () => {
  expect(mostRate(flow)).toBe(20);
  expect([rateAt(flow, 15), rateAt(flow, 1000), rateAt(flow, 45)]).toEqual([10, 0, 20]);
  expect(activeSpan(flow)).toEqual({ fromMs: 10, toMs: 50 });
});

test('a rank without links has no flow', () => {
  const { sent, received } = flowsOf({});
  expect([mostRate(sent), mostRate(received), rateAt(sent, 0)]).toEqual([0, 0, 0]);
  expect(activeSpan(sent)).toBeUndefined();
});
