import { expect, test } from 'vitest';
import { plainLayer } from '../layers/layer-spec.js';
import { LLAMA_7B } from '../published-shapes.js';
import { apartBytes, resumePoints } from './resume-points.js';
import { kvRowBytes, type ModelShape } from '../shape.js';

const FULL = plainLayer(128, 1e4);
const withWindow = (windowTokens: number): typeof FULL => ({
  ...FULL,
  attention: { ...FULL.attention, windowTokens },
});
const MIXED: ModelShape = { ...LLAMA_7B, layers: 3, specs: [withWindow(512), FULL, withWindow(100)] };

test('rows are kept apart at the end of every block before the prompt’s end, and there', () => {
  expect(resumePoints(MIXED, { start: 0, end: 5000 }, 5100)).toEqual([2048, 4096, 5000]);
  expect(resumePoints(MIXED, { start: 0, end: 4096 }, 5000)).toEqual([2048, 4096]);
  expect(resumePoints(MIXED, { start: 2048, end: 5000 }, 5100)).toEqual([4096, 5000]);
});

test('none where all rows are there anyway', () => {
  expect(resumePoints(LLAMA_7B, { start: 0, end: 50_000 }, 50_000)).toEqual([]);
  expect(resumePoints(MIXED, { start: 0, end: 200 }, 250)).toEqual([]);
  expect(apartBytes(MIXED, 'f32', { start: 0, end: 250 }, [200])).toBe(0);
});

test('each takes a window and 64 rows more of every layer that lets rows go', () => {
  const span = { start: 0, end: 5100 };
  const rows = 511 + 64 + 99 + 64;
  expect(apartBytes(MIXED, 'f16', span, [2048, 4096])).toBe(2 * rows * kvRowBytes(MIXED, 'f16'));
  expect(apartBytes(MIXED, 'f16', { start: 0, end: 700 }, [600])).toBe((99 + 64) * kvRowBytes(MIXED, 'f16'));
});

test('all rows of every layer that lets rows go, where all are kept apart', () => {
  expect(apartBytes(MIXED, 'f16', { start: 0, end: 5100 }, 'all')).toBe(2 * 5100 * kvRowBytes(MIXED, 'f16'));
});
