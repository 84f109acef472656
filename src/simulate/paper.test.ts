import { beforeAll, expect, test } from 'vitest';
import { PAPER_CASES } from './paper-cases.js';
import { rowOf } from './paper.js';

/** Rows with a published figure whose simulation takes well under a second. */
const QUICK = PAPER_CASES.filter((one) => one.published !== undefined && one.kind === 'gain');

let rows: (readonly [(typeof QUICK)[number], ReturnType<typeof rowOf>])[] = [];
beforeAll(() => {
  rows = QUICK.map((one) => [one, rowOf(one)]);
});

test('rows with a published figure carry the difference, and a note where it is above 10 %', () => {
  for (const [, row] of rows) {
    expect(row.difference).toBeCloseTo(row.simulated / (row.published ?? 1) - 1, 12);
    if (Math.abs(row.difference ?? 0) > 0.1) expect(row.note).toBeDefined();
  }
});

test('the two gains at 300 GB/s are within 10 % of the published ones', () => {
  expect(rows).toHaveLength(2);
  for (const [, { difference }] of rows) expect(Math.abs(difference ?? 1)).toBeLessThan(0.1);
});

test('rows without a published figure say so instead of comparing', () => {
  const one = PAPER_CASES.find((candidate) => candidate.published === undefined && candidate.kind === 'gain');
  expect(one).toBeDefined();
  if (one !== undefined) expect(rowOf(one)).toMatchObject({ published: null, difference: null });
});
