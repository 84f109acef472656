import { expect, test } from 'vitest';
import { seenFrom } from './seen-rows.js';

/** Keys 1, 2, 3 and values 11, 12, 13, two bytes a row. */
const FRAME = {
  kind: 'kv',
  request: 7,
  layer: 2,
  start: 10,
  rows: 3,
  payload: Uint8Array.of(1, 1, 2, 2, 3, 3, 11, 11, 12, 12, 13, 13),
  bodySum: 99,
} as const;

test('a frame of which all is seen goes on as it is, with its sum', () => {
  expect(seenFrom(FRAME, 10)).toBe(FRAME);
  expect(seenFrom(FRAME, 0)).toBe(FRAME);
});

test('of one that is seen in part the keys and values of the later rows go on, without the sum of the whole', () => {
  const { bodySum, ...rest } = FRAME;
  expect(seenFrom(FRAME, 11)).toEqual({
    ...rest,
    start: 11,
    rows: 2,
    payload: Uint8Array.of(2, 2, 3, 3, 12, 12, 13, 13),
  });
  expect(bodySum).toBe(99);
});

test('one that nobody sees does not go on', () => {
  expect(seenFrom(FRAME, 13)).toBeUndefined();
  expect(seenFrom(FRAME, 400)).toBeUndefined();
});
