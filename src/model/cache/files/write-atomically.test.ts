import { mkdtemp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeAtomically } from './write-atomically.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kvr-write-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a file is written, and replaced', async () => {
  await writeAtomically(join(folder, 'a'), 'one');
  await writeAtomically(join(folder, 'a'), 'two');
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('two');
  expect(await readdir(folder)).toEqual(['a']);
});

test('a write that fails leaves nothing behind', async () => {
  // A folder can not be replaced by a file: the last step fails.
  await mkdir(join(folder, 'a'));
  await expect(writeAtomically(join(folder, 'a'), 'text')).rejects.toThrow(/EISDIR|EEXIST|ENOTEMPTY|EPERM/);
  expect(await readdir(folder)).toEqual(['a']);
});

test('many writers at the same time leave one whole text', async () => {
  const texts = Array.from({ length: 20 }, (_, index) => String(index % 10).repeat(100_000));
  await Promise.all(texts.map((text) => writeAtomically(join(folder, 'a'), text)));
  expect(texts).toContain(await readFile(join(folder, 'a'), 'utf8'));
  expect(await readdir(folder)).toEqual(['a']);
});
