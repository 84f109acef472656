/**
 * The store on a real folder: what is written is found again, by others too, within the bound, whatever happens to files.
 */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  mkdirSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HEAD_BYTES } from './block-file.js';
import { BlockFolder } from './block-folder.js';
import { BlockWriter, type WriterOptions } from './block-writer.js';

let path = '';
beforeEach(() => void (path = mkdtempSync(join(tmpdir(), 'kvr-blocks-'))));
afterEach(() => rmSync(path, { recursive: true, force: true }));

const ROWS = 1000;
const hashOf = (block: number): string => block.toString(16).padStart(40, '0');
const rowsOf = (block: number): Uint8Array<ArrayBuffer> => new Uint8Array(ROWS).fill(block);
const newBlock = (block: number, start = 0) => ({ hash: hashOf(block), start, block, rows: rowsOf(block) });

class Told {
  readonly stored: string[] = [];
  readonly gone: string[] = [];
  readonly warnings: string[] = [];
  readonly events = {
    onStored: (blocks: readonly { hash: string }[]) =>
      void this.stored.push(...blocks.map(({ hash }) => hash)),
    onGone: (hashes: readonly string[]) => void this.gone.push(...hashes),
    onWarning: (words: string) => void this.warnings.push(words),
  };
}

function openWriter(options: Partial<WriterOptions> = {}, model = 'model') {
  const told = new Told();
  const folder = new BlockFolder(path, model);
  const writer = new BlockWriter(folder, { limitBytes: 1e9, hasWindows: true, ...options }, told.events);
  return { folder, writer, told };
}

test('what was written is read, and found by a store that is opened later', async () => {
  const { writer, folder } = openWriter();
  await writer.open();
  for (const block of [1, 2, 3]) await writer.write(newBlock(block, block));
  const read = await folder.read(hashOf(2));
  expect(read).toMatchObject({ start: 2 });
  expect([...(read as { rows: Uint8Array }).rows]).toEqual([...rowsOf(2)]);
  const later = openWriter();
  await later.writer.open();
  expect(later.told.stored.sort()).toEqual([1, 2, 3].map(hashOf));
  expect(await later.folder.read(hashOf(4))).toBe('missing');
});

test('another model has its own blocks', async () => {
  const { writer } = openWriter();
  await writer.write(newBlock(1));
  const other = openWriter({}, 'other');
  await other.writer.open();
  expect(other.told.stored).toEqual([]);
  expect(await other.folder.read(hashOf(1))).toBe('missing');
});

test('a block that is there is not written again, unless it has more rows', async () => {
  const { writer, told } = openWriter();
  await writer.write(newBlock(1, 50));
  await writer.write(newBlock(1, 60));
  await writer.write(newBlock(1, 50));
  expect(told.stored).toHaveLength(1);
  await writer.write(newBlock(1, 0));
  expect(told.stored).toHaveLength(2);
});

test('never more than the bound: what was used longest ago goes, of all models', async () => {
  let nowMs = Date.now() - 1e6;
  const options = { limitBytes: 5 * (ROWS + HEAD_BYTES), clock: () => (nowMs += 1000) };
  const other = openWriter(options, 'other');
  await other.writer.write(newBlock(9));
  const { writer, told, folder } = openWriter(options);
  await writer.open();
  for (const block of [1, 2, 3, 4]) await writer.write(newBlock(block));
  await writer.noteUse([{ hash: hashOf(1), block: 0 }]);
  await writer.write(newBlock(5));
  expect(await other.folder.read(hashOf(9))).toBe('missing');
  expect(told.gone).toContain(hashOf(2));
  expect(folder.startOf(hashOf(1))).toBe(0);
  const { blocks } = await folder.files(nowMs);
  expect(blocks.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(options.limitBytes);
});

test('a store that is opened with a lower bound removes what is too much', async () => {
  const { writer } = openWriter();
  for (let block = 0; block < 10; block++) await writer.write(newBlock(block));
  const small = openWriter({ limitBytes: 3 * (ROWS + HEAD_BYTES) });
  await small.writer.open();
  expect(small.told.stored.length).toBeLessThanOrEqual(3);
});

test.each([
  ['a flipped bit', (file: string) => flip(file, HEAD_BYTES + 17)],
  ['a flipped bit of the head', (file: string) => flip(file, 9)],
  ['a cut file', (file: string) => truncateSync(file, 500)],
  ['an empty file', (file: string) => truncateSync(file, 0)],
])('%s is damage, and goes with one line', async (_, damage) => {
  const { writer, folder, told } = openWriter();
  await writer.write(newBlock(1));
  damage(folder.pathOf(hashOf(1)));
  expect(await folder.read(hashOf(1))).toBe('damaged');
  await writer.drop(hashOf(1), true);
  expect(told.warnings).toHaveLength(1);
  expect(told.gone).toEqual([hashOf(1)]);
  expect(await folder.read(hashOf(1))).toBe('missing');
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  writeFileSync(file, bytes);
}

test('what a writer that was ended left is never a block, and goes once nobody can be writing it', async () => {
  const { writer, folder } = openWriter();
  await writer.write(newBlock(1));
  const part = folder.pathOf(hashOf(2)).replace(/rows$/, '01234567-0123-0123-0123-0123456789ab.part');
  mkdirSync(dirname(part), { recursive: true });
  writeFileSync(part, 'torn');
  const soon = openWriter();
  await soon.writer.open();
  expect(soon.told.stored).toEqual([hashOf(1)]);
  expect(readdirSync(dirname(part))).toContain(part.split('/').at(-1));
  const later = openWriter({ clock: () => Date.now() + 700_000 });
  await later.writer.open();
  expect(readdirSync(dirname(part)).some((name) => name.endsWith('.part'))).toBe(false);
});

test('files and folders of others stay, whatever they are', async () => {
  const foreign = ['notes.txt', 'model/readme', 'model/00/not-a-block.rows', 'model/zz'].map((name) =>
    join(path, name),
  );
  for (const file of foreign) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'x'.repeat(5000));
    utimesSync(file, 1, 1);
  }
  const { writer, told } = openWriter({ limitBytes: 1, clock: () => Date.now() + 1e9 });
  await writer.open();
  await writer.write(newBlock(1));
  expect(foreign.map((file) => readFileSync(file, 'utf8').length)).toEqual([5000, 5000, 5000, 5000]);
  expect(told.warnings).toEqual([]);
});

test('a folder that can not be written turns it off, with one line', async () => {
  writeFileSync(join(path, 'file'), '');
  const told = new Told();
  const folder = new BlockFolder(join(path, 'file'), 'model');
  const writer = new BlockWriter(folder, { limitBytes: 1e9, hasWindows: false }, told.events);
  await writer.open();
  await writer.write(newBlock(1));
  await writer.write(newBlock(2));
  expect(writer.isOff).toBe(true);
  expect(told.warnings).toEqual([expect.stringMatching(/^the prefix cache on disk is off, .*ENOTDIR/)]);
});

test('many writers of the same blocks at once leave each of them whole', async () => {
  const writers = Array.from({ length: 6 }, () => openWriter());
  const blocks = Array.from({ length: 20 }, (_, block) => block);
  await Promise.all(
    writers.map(async ({ writer }) => {
      await writer.open();
      for (const block of blocks) await writer.write(newBlock(block));
    }),
  );
  const { folder } = openWriter();
  for (const block of blocks) expect(await folder.read(hashOf(block))).toMatchObject({ start: 0 });
  expect(writers.flatMap(({ told }) => told.warnings)).toEqual([]);
});
