import { expect, test } from 'vitest';
import { CALL_MS, LEAST_ROWS, Pace, PREFILL_TURN_MS } from './pace.js';

test('a decode step is due when prompts have had their turn, and not before', () => {
  const pace = new Pace();
  pace.noteStep(10);
  pace.notePrefill(PREFILL_TURN_MS - 1);
  expect(pace.isDecodeDue).toBe(false);
  pace.notePrefill(1);
  expect(pace.isDecodeDue).toBe(true);
  pace.noteStep(10);
  expect(pace.isDecodeDue).toBe(false);
});

test('after long steps prompts get as long as a step took, so that neither starves', () => {
  const pace = new Pace();
  pace.noteStep(3 * PREFILL_TURN_MS);
  pace.notePrefill(2 * PREFILL_TURN_MS);
  expect(pace.isDecodeDue).toBe(false);
  pace.notePrefill(PREFILL_TURN_MS);
  expect(pace.isDecodeDue).toBe(true);
});

test('a chunk goes whole while nothing decodes', () => {
  const pace = new Pace();
  pace.noteCall('block', 512, 5_000);
  expect(pace.rowsAtOnce(512, false)).toBe(512);
});

test('while sequences decode, as many rows go as take about one call, by the slower kernel', () => {
  const pace = new Pace();
  expect(pace.rowsAtOnce(512, true)).toBe(LEAST_ROWS);
  pace.noteCall('block', 100, CALL_MS);
  expect(pace.rowsAtOnce(512, true)).toBe(100);
  expect(pace.rowsAtOnce(64, true)).toBe(64);
  pace.noteCall('attention', 50, CALL_MS);
  expect(pace.rowsAtOnce(512, true)).toBe(50);
  pace.noteCall('block', 1, CALL_MS);
  expect(pace.rowsAtOnce(512, true)).toBe(LEAST_ROWS);
});
