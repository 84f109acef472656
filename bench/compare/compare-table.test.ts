import { expect, test } from 'vitest';
import { compareRow, compareTable } from './compare-table.js';

const answers = (...times: number[]) => times.map((ttftMs) => ({ ttftMs, firstToken: 7 }));

test('the ratio is that of the medians; rounds are compared one by one', () => {
  const row = compareRow('q4', 2048, answers(100, 110, 200), answers(150, 132, 210));
  expect(row.ratio).toBeCloseTo(150 / 110);
  expect(row.roundRatios.min).toBeCloseTo(1.05);
  expect(row.roundRatios.max).toBeCloseTo(1.5);
  expect(row.isSame).toBe(true);
});

test('another first token in one round is seen', () => {
  const ours = answers(100, 110);
  expect(compareRow('q4', 64, ours, [ours[0]!, { ttftMs: 110, firstToken: 8 }]).isSame).toBe(false);
});

test('the table says what was measured, and on what', () => {
  const row = compareRow('q4', 64, answers(100), answers(150));
  const table = compareTable({ model: 'm', workers: 2, threads: 1, rounds: 1 }, [row]);
  expect(table).toMatchObject({ label: 'measured', title: 'TTFT of m, 2 × 1, medians of 1 round in turn' });
  expect(table.lines[2]).toMatch(/^\| q4 +\| +64 \| +150 .* 1\.500 \|/);
});
