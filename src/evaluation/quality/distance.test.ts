import { expect, test } from 'vitest';
import { addRow, noSums } from './distance.js';

const logs = (...probabilities: number[]): Float32Array => Float32Array.from(probabilities, Math.log);

test('surprise is the logarithm of the probability that the next token got, whatever the logits are shifted by', () => {
  const sums = noSums();
  const row = logs(0.5, 0.25, 0.25).map((logit) => logit + 40);
  addRow(sums, row, row, 1);
  expect(sums.surprise).toBeCloseTo(Math.log(4), 5);
  expect(sums).toMatchObject({ tokens: 1, sameTokens: 1 });
  expect(sums.divergence).toBeCloseTo(0, 9);
});

test('divergence is that of the reference from the row, and agreement that of their likeliest tokens', () => {
  const sums = noSums();
  addRow(sums, logs(0.5, 0.5 - 1e-9, 1e-9), logs(0.25, 0.75 - 1e-9, 1e-9), 0);
  expect(sums.divergence).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(0.5 / 0.75), 5);
  expect(sums.surprise).toBeCloseTo(Math.log(4), 5);
  expect(sums.sameTokens).toBe(0);
});
