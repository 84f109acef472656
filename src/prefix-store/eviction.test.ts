import { expect, test } from 'vitest';
import { filesToRemove, usedMsOf } from './eviction.js';

const file = (path: string, bytes: number, usedMs: number) => ({ path, bytes, usedMs });
const paths = (files: readonly { path: string }[]): string[] => files.map(({ path }) => path);

test('within the bound nothing goes', () => {
  expect(filesToRemove([file('a', 60, 1), file('b', 40, 2)], 100)).toEqual([]);
});

test('over it those go that were used longest ago, until there is some room', () => {
  const files = [file('new', 50, 9), file('old', 10, 1), file('older', 5, 0), file('mid', 40, 5)];
  expect(paths(filesToRemove(files, 100))).toEqual(['older', 'old']);
  expect(paths(filesToRemove(files, 60))).toEqual(['older', 'old', 'mid']);
  expect(paths(filesToRemove(files, 1))).toHaveLength(4);
});

test('of a text that was used at once, what comes last goes first', () => {
  const text = [0, 1, 2, 3].map((block) => file(`${block}`, 10, usedMsOf(1000, block)));
  expect(paths(filesToRemove(text, 25))).toEqual(['3', '2']);
});
