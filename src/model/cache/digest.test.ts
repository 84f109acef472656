import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOfFiles } from './digest.js';

let root = '';
let cacheFolder = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kvr-digest-'));
  cacheFolder = join(root, 'cache');
});
afterEach(() => rmSync(root, { recursive: true }));

/** Writes a file that was last changed long enough ago to be remembered. */
function writeOld(name: string, content: string, ageMs = 60_000): string {
  const path = join(root, name);
  writeFileSync(path, content);
  const time = new Date(Date.now() - ageMs);
  utimesSync(path, time, time);
  return path;
}

/** The digest, and whether any file was read for it. */
async function digest(paths: string[]): Promise<[digest: string, read: boolean]> {
  let read = false;
  const value = await digestOfFiles(paths, { cacheFolder, onProgress: () => (read = true) });
  return [value, read];
}

test('the digest is sha-256 over names, sizes and contents', async () => {
  const paths = [writeOld('a', 'one'), writeOld('b', '')];
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  expect((await digest(paths))[0]).toBe(sha(`"a" 3 ${sha('one')}\n"b" 0 ${sha('')}\n`));
});

test('files that did not change are not read again', async () => {
  const path = writeOld('a', 'one');
  const [first] = await digest([path]);
  expect(await digest([path])).toEqual([first, false]);
});

test('the same file by another path is not read again', async () => {
  const path = writeOld('a', 'one');
  await digest([path]);
  mkdirSync(join(root, 'other'));
  symlinkSync(path, join(root, 'other', 'a'));
  expect((await digest([join(root, 'other', 'a')]))[1]).toBe(false);
});

test('another content of the same size is seen', async () => {
  const [first] = await digest([writeOld('a', 'one')]);
  const [second, read] = await digest([writeOld('a', 'two', 50_000)]);
  expect([second === first, read]).toEqual([false, true]);
});

test('another name or order is another digest', async () => {
  const [a, b] = [writeOld('a', 'one'), writeOld('b', 'one')];
  const digests = await Promise.all([[a], [b], [a, b], [b, a]].map((paths) => digest(paths)));
  expect(new Set(digests.map(([value]) => value)).size).toBe(4);
});

test('a file that was changed just now is not remembered', async () => {
  const path = writeOld('a', 'one', 0);
  await digest([path]);
  expect((await digest([path]))[1]).toBe(true);
});

test.each(['', '{"file":', '{"file":"other","sha256":"x"}', 'null'])(
  'a memo of %j is not believed',
  async (text) => {
    const path = writeOld('a', 'one');
    const [first] = await digest([path]);
    const [entry = ''] = readdirSync(join(cacheFolder, 'digests'));
    writeFileSync(join(cacheFolder, 'digests', entry), text);
    expect(await digest([path])).toEqual([first, true]);
    expect(await digest([path])).toEqual([first, false]);
  },
);

test('a cache that can not be written only costs the memo', async () => {
  writeFileSync(cacheFolder, 'a file in its place');
  const path = writeOld('a', 'one');
  const [first] = await digest([path]);
  expect(await digest([path])).toEqual([first, true]);
});

test('progress goes from 0 to 1 over all files', async () => {
  const paths = [writeOld('a', 'x'.repeat(1000)), writeOld('b', 'x'.repeat(3000))];
  const seen: [number, string][] = [];
  await digestOfFiles(paths, { cacheFolder, onProgress: (fraction, what) => seen.push([fraction, what]) });
  expect(seen).toEqual([
    [0.25, 'hashing a'],
    [1, 'hashing b'],
  ]);
});

test('hashing stops when it is told to', async () => {
  const path = writeOld('a', 'one');
  const stopped = digestOfFiles([path], { cacheFolder, signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('a file that is not there is a bad checkpoint', async () => {
  await expect(digest([join(root, 'none')])).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
});
