import { expect, test } from 'vitest';
import { STEPS_BETWEEN_TRIES, AllCoreSwitch, TRY_STEPS } from './all-core-switch.js';

/** Makes steps whose time depends on their width. @returns the part of the last `steps` that was all */
function walk(
  width: AllCoreSwitch,
  steps: number,
  msOf: (onAllCores: boolean, step: number) => number,
  rows = 1,
): number {
  let all = 0;
  for (let step = 0; step < steps; step++) {
    const { onAllCores } = width;
    if (onAllCores) all++;
    width.note(onAllCores, rows, msOf(onAllCores, step));
  }
  return all / steps;
}

const PERIOD = STEPS_BETWEEN_TRIES + TRY_STEPS;

test('all cores from the first step on, and tries of the other way stay few', () => {
  const width = new AllCoreSwitch();
  expect(width.onAllCores).toBe(true);
  expect(walk(width, 10 * PERIOD, (onAllCores) => (onAllCores ? 10 : 15))).toBeCloseTo(
    STEPS_BETWEEN_TRIES / PERIOD,
  );
});

test('own cores once all of them prove slower, and all again when they are free again', () => {
  const width = new AllCoreSwitch();
  walk(width, PERIOD, (onAllCores) => (onAllCores ? 30 : 15));
  expect(walk(width, 10 * PERIOD, (onAllCores) => (onAllCores ? 30 : 15))).toBeCloseTo(TRY_STEPS / PERIOD);
  walk(width, PERIOD, (onAllCores) => (onAllCores ? 10 : 15));
  expect(width.onAllCores).toBe(true);
});

test('a step that was held up changes nothing', () => {
  const width = new AllCoreSwitch();
  const held = PERIOD - TRY_STEPS - 2;
  walk(width, PERIOD, (onAllCores, step) => (step === held ? 500 : onAllCores ? 10 : 15));
  expect(width.onAllCores).toBe(true);
});

test('times of another number of sequences are forgotten', () => {
  const width = new AllCoreSwitch();
  walk(width, STEPS_BETWEEN_TRIES, () => 10);
  expect(width.onAllCores).toBe(false);
  width.note(true, 2, 30);
  expect(width.onAllCores).toBe(true);
});
