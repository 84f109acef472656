import { expect, test } from 'vitest';
import { parseLink } from './flags.js';
import { type Cell, checkRow, linkRows } from './report.js';

const LINK = { mbit: 200, oneWayMs: 5 };

function cell(strategy: string, median: number, contextTokens = 512): Cell {
  const ttftMs = { median, min: median, max: median };
  return { strategy, contextTokens, ttftMs, predictedTtftMs: null, partition: [contextTokens] };
}

test('a link is a speed and a latency', () => {
  expect(parseLink('--links', '200/5')).toEqual(LINK);
  expect(parseLink('--links', '10000/0.5')).toEqual({ mbit: 10_000, oneWayMs: 0.5 });
});

test.each(['', '200', '200/', '0/5', 'x/1', '200/5000', '200/5/1', '-1/5'])('%j is no link', (text) => {
  expect(() => parseLink('--links', text)).toThrow(/^--links .* is no link; give MBIT\/ONE_WAY_MS.*200\/5$/);
});

test('planned KVR may be as slow as noise makes it, and no slower', () => {
  const [row] = linkRows(LINK, [cell('single', 100), cell('tsp', 90), cell('kvr-e', 10), cell('kvr', 102.9)]);
  expect(checkRow(row!)).toEqual([
    '200 Mbit/s, 5 ms one way, 512 tokens: kvr takes 1.143 times as long as tsp',
  ]);
});

test('contexts are rows of their own', () => {
  const rows = linkRows(LINK, [cell('kvr', 1), cell('kvr', 2, 1024)]);
  expect(rows.map(({ contextTokens }) => contextTokens)).toEqual([512, 1024]);
});
