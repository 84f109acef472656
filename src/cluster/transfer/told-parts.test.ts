import { expect, test } from 'vitest';
import { toldParts } from './told-parts.js';

test('a transfer tells its begin, its quarters, and its speed', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const told = toldParts(
    'giving m to b',
    8e6,
    (words) => lines.push(words),
    () => nowMs,
  );
  for (let piece = 0; piece < 8; piece++) {
    nowMs += 50;
    told.add(1e6);
  }
  told.end(undefined);
  expect(lines).toEqual([
    'giving m to b: 8.0 MB',
    'giving m to b: 2.0 of 8.0 MB',
    'giving m to b: 4.0 of 8.0 MB',
    'giving m to b: 6.0 of 8.0 MB',
    'giving m to b: done, 8.0 MB in 0.4 s (20 MB/s)',
  ]);
});

test('one that ends early says where, and one of nothing says nothing', () => {
  const lines: string[] = [];
  const told = toldParts('giving m to b', 4e6, (words) => lines.push(words));
  told.add(1e6);
  told.end(new Error('link broke'));
  toldParts('giving m to c', 0, (words) => lines.push(words)).end(undefined);
  expect(lines.at(-1)).toBe('giving m to b: broken off at 1.0 of 4.0 MB (link broke)');
});
