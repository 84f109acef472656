import { expect, test } from 'vitest';
import type { Lane, Mark } from '../lanes/lanes.js';
import { laneAt, laneTop, markTextLeft, pictureHeight } from './picture.js';

const lane = (rank: number): Lane => ({ rank, slice: [0, 1], measured: null, expectedMs: 1 });
const marks: Mark[] = [{ kind: 'measured', label: 'first token', atMs: 1 }];
const counts = { lanes: [lane(0), lane(1), lane(2)], marks };

test('every lane is found at its own height, and none outside', () => {
  for (const index of [0, 1, 2]) {
    expect(laneAt(laneTop(index, counts), counts)?.rank).toBe(index);
    expect(laneAt(laneTop(index + 1, counts) - 1, counts)?.rank).toBe(index);
  }
  expect(laneAt(laneTop(0, counts) - 1, counts)).toBeUndefined();
  expect(laneAt(pictureHeight(counts) - 1, counts)).toBeUndefined();
});

test('sixteen ranks still fit on a screen', () => {
  const lanes = Array.from({ length: 16 }, (_, rank) => lane(rank));
  expect(pictureHeight({ lanes, marks })).toBeLessThan(720);
});

test('the text of a mark stays inside', () => {
  expect(markTextLeft(200, 100, 320)).toBe(94);
  expect(markTextLeft(50, 100, 320)).toBe(56);
  expect(markTextLeft(900, 100, 320)).toBe(220);
  expect(markTextLeft(50, 300, 320)).toBe(20);
  expect(markTextLeft(310, 400, 320)).toBe(0);
});
