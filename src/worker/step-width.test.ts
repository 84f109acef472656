import { expect, test } from 'vitest';
import { STEPS_BETWEEN_TRIES, StepWidth, TRY_STEPS } from './step-width.js';

/** Makes steps whose time depends on their width. @returns the part of the last `steps` that was wide */
function walk(
  width: StepWidth,
  steps: number,
  msOf: (isWide: boolean, step: number) => number,
  rows = 1,
): number {
  let wide = 0;
  for (let step = 0; step < steps; step++) {
    const { isWide } = width;
    if (isWide) wide++;
    width.note(isWide, rows, msOf(isWide, step));
  }
  return wide / steps;
}

const PERIOD = STEPS_BETWEEN_TRIES + TRY_STEPS;

test('all cores from the first step on, and tries of the other way stay few', () => {
  const width = new StepWidth();
  expect(width.isWide).toBe(true);
  expect(walk(width, 10 * PERIOD, (isWide) => (isWide ? 10 : 15))).toBeCloseTo(STEPS_BETWEEN_TRIES / PERIOD);
});

test('own cores once all of them prove slower, and all again when they are free again', () => {
  const width = new StepWidth();
  walk(width, PERIOD, (isWide) => (isWide ? 30 : 15));
  expect(walk(width, 10 * PERIOD, (isWide) => (isWide ? 30 : 15))).toBeCloseTo(TRY_STEPS / PERIOD);
  walk(width, PERIOD, (isWide) => (isWide ? 10 : 15));
  expect(width.isWide).toBe(true);
});

test('a step that was held up changes nothing', () => {
  const width = new StepWidth();
  const held = PERIOD - TRY_STEPS - 2;
  walk(width, PERIOD, (isWide, step) => (step === held ? 500 : isWide ? 10 : 15));
  expect(width.isWide).toBe(true);
});

test('times of another number of sequences are forgotten', () => {
  const width = new StepWidth();
  walk(width, STEPS_BETWEEN_TRIES, () => 10);
  expect(width.isWide).toBe(false);
  width.note(true, 2, 30);
  expect(width.isWide).toBe(true);
});
