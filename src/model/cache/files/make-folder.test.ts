import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolder } from './make-folder.js';

const root = mkdtempSync(join(tmpdir(), 'make-folder-'));
afterAll(() => rmSync(root, { recursive: true }));

test('folders are made with those above them, also by two at once and twice', async () => {
  const path = join(root, 'a/b/c');
  await Promise.all([makeFolder(path), makeFolder(path)]);
  await makeFolder(path);
  expect(existsSync(path)).toBe(true);
});

test('a hundred at once, each below the same new folders, disturb each other nowhere', async () => {
  const paths = Array.from({ length: 100 }, (_, index) => join(root, 'many/deep', String(index % 5), 'x'));
  await Promise.all(paths.map(makeFolder));
  expect(paths.every(existsSync)).toBe(true);
});

test('a file in the way is an error', async () => {
  writeFileSync(join(root, 'file'), '');
  await expect(makeFolder(join(root, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(root, 'file/x'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.skipIf(process.platform !== 'linux')(
  'a place that takes no folders is an error and not a wait without end',
  async () => {
    await expect(makeFolder('/proc/no-such-process/cache')).rejects.toMatchObject({ code: 'ENOENT' });
  },
);
