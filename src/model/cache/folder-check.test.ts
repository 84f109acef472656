import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findDamage } from './folder-check.js';
import { publishFolder } from './publish.js';
import { publishSound } from './publish-sound.js';

/** Long after the files were written, so that they count as settled; times are given, nothing waits. */
const LATER_MS = Date.now() + 3600_000;
const DAY_MS = 24 * 3600_000;
const LARGE = Buffer.alloc(2_500_000, 'weights ');

let root = '';
let folder = '';
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'kvr-check-'));
  folder = await publish();
});
afterEach(() => rmSync(root, { recursive: true }));

function build(into: string): Promise<void> {
  mkdirSync(join(into, 'deep'));
  writeFileSync(join(into, 'graph'), 'a small file');
  writeFileSync(join(into, 'deep', 'weights'), LARGE);
  return Promise.resolve();
}

function publish(): Promise<string> {
  return publishFolder({ cacheFolder: join(root, 'cache'), key: 'model', build });
}

/** Changes one bit where it lies, as a disk or a stray write does. */
function flip(name: string, position: number): void {
  const path = join(folder, name);
  const bytes = readFileSync(path);
  bytes[position]! ^= 4;
  writeFileSync(path, bytes, { flag: 'r+' });
}

function stamps(): string[] {
  return readdirSync(join(root, 'cache')).includes('checked')
    ? readdirSync(join(root, 'cache', 'checked'))
    : [];
}

test('a folder that holds what was written is whole', async () => {
  expect(await findDamage(folder)).toBeUndefined();
});

test.each([
  ['graph', 0],
  ['deep/weights', 0],
  ['deep/weights', 1_048_576],
  ['deep/weights', LARGE.length - 1],
])('one bit of %s at byte %i is seen', async (name, position) => {
  flip(name, position);
  expect(await findDamage(folder)).toBe(`${name} does not hold what was written`);
});

test('every bit of the list itself counts', async () => {
  const path = join(folder, 'published.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('2500000', '2500001'));
  expect(await findDamage(folder)).toBe('published.json is missing or damaged');
});

test('a file that is gone or can not be read is damage, not a crash', async () => {
  rmSync(join(folder, 'deep', 'weights'));
  expect(await findDamage(folder)).toBe('a file is missing');
  mkdirSync(join(folder, 'deep', 'weights'));
  expect(await findDamage(folder)).toContain('deep/weights can not be read: EISDIR');
});

test('with a bound only small files are read', async () => {
  flip('deep/weights', 7);
  expect(await findDamage(folder, { maxFileBytes: 1000 })).toBeUndefined();
  flip('graph', 1);
  expect(await findDamage(folder, { maxFileBytes: 1000 })).toContain('graph does not hold');
});

test('files that were written just now get no stamp: another change might look the same', async () => {
  await findDamage(folder);
  expect(stamps()).toEqual([]);
});

test('a stamp spares the reading, for a day, until somebody writes', async () => {
  expect(await findDamage(folder, { nowMs: LATER_MS })).toBeUndefined();
  expect(stamps()).toEqual(['model.json']);
  const noReading = { signal: AbortSignal.abort(new Error('it was read')) };
  expect(await findDamage(folder, { nowMs: LATER_MS + DAY_MS - 1, ...noReading })).toBeUndefined();
  await expect(findDamage(folder, { nowMs: LATER_MS + DAY_MS, ...noReading })).rejects.toThrow('it was read');
  await expect(findDamage(folder, { nowMs: LATER_MS - 1, ...noReading })).rejects.toThrow('it was read');
  flip('deep/weights', 3);
  utimesSync(join(folder, 'deep', 'weights'), new Date(0), new Date(0));
  expect(await findDamage(folder, { nowMs: LATER_MS })).toContain('deep/weights does not hold');
});

test('a damaged stamp is no stamp', async () => {
  await findDamage(folder, { nowMs: LATER_MS });
  const path = join(root, 'cache', 'checked', 'model.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"checkedMs": (\d)/, '"checkedMs": 9'));
  flip('graph', 2);
  expect(await findDamage(folder, { nowMs: LATER_MS })).toContain('graph does not hold');
});

test('publishing makes a damaged folder again and says so once', async () => {
  flip('deep/weights', 5);
  const told: string[] = [];
  const options = { cacheFolder: join(root, 'cache'), key: 'model', build };
  const again = await publishSound({ ...options, onDamage: (words) => void told.push(words) });
  expect(told).toEqual([
    `${folder} is damaged on disk (deep/weights does not hold what was written): it is made again`,
  ]);
  expect(await findDamage(again)).toBeUndefined();
  expect(readdirSync(join(root, 'cache'))).toEqual(['model']);
});
