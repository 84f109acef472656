import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { GrowingDigest } from '../../model/cache/index.js';
import { GrowingFile, keptBytes } from './growing-file.js';
import { PIECE_BYTES } from './messages.js';

const folder = mkdtempSync(join(tmpdir(), 'kvr-growing-'));
const path = join(folder, 'file');
/** Two pieces and a part. */
const WHOLE = Buffer.alloc(2 * PIECE_BYTES + 100, 'abcdefg');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => rmSync(path, { force: true }));

function pieces(from = 0): Buffer[] {
  const starts = [0, PIECE_BYTES, 2 * PIECE_BYTES].filter((start) => start >= from);
  return starts.map((start) => WHOLE.subarray(start, start + PIECE_BYTES));
}

function digestOf(parts: readonly Buffer[]): string {
  const digest = new GrowingDigest();
  for (const part of parts) digest.add(part);
  return digest.end();
}

test.each([
  ['nothing', 0, 0],
  ['a part of a piece', 1000, 0],
  ['a piece and a part', PIECE_BYTES + 1, PIECE_BYTES],
  ['all', WHOLE.length, WHOLE.length],
  ['more than there is', WHOLE.length + 1, 0],
])('of %s that is there, what is whole is kept, and the end is the same', async (_, thereBytes, kept) => {
  const there = Buffer.alloc(thereBytes, WHOLE);
  writeFileSync(path, there);
  expect(await keptBytes(path, WHOLE.length)).toBe(kept);
  const file = await GrowingFile.open(path, WHOLE.length);
  expect(file.bytes).toBe(kept);
  for (const piece of pieces(kept)) await file.append(piece);
  expect(file.end()).toBe(digestOf(pieces()));
  await file.close();
  expect(readFileSync(path).equals(WHOLE)).toBe(true);
});

test('a byte that was flipped in what was there is seen in the digest', async () => {
  const there = Buffer.from(WHOLE.subarray(0, PIECE_BYTES));
  there[17]! ^= 1;
  writeFileSync(path, there);
  const file = await GrowingFile.open(path, WHOLE.length);
  for (const piece of pieces(PIECE_BYTES)) await file.append(piece);
  expect(file.end()).not.toBe(digestOf(pieces()));
  await file.clear();
  await file.close();
  expect(readFileSync(path)).toHaveLength(0);
});
