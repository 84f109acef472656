import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Embedding } from './embedding.js';

let folder = '';
let embedding: Embedding;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-embedding-'));
  const path = join(folder, 'embedding.bin');
  writeFileSync(path, new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6, 7).buffer));
  embedding = await Embedding.open(path, 2);
});
afterAll(async () => {
  await embedding.close();
  rmSync(folder, { recursive: true });
});

test('rows come in the order of the ids, as often as they are asked for', () => {
  expect([...embedding.rows(Int32Array.of(2, 0, 2))]).toEqual([5, 6, 1, 2, 5, 6]);
});

test('no ids, no rows', () => {
  expect(embedding.rows(new Int32Array(0))).toHaveLength(0);
});

test.each([3, 4, -1, 2 ** 31 - 1])('token %i, whose row is cut off or not there, is refused', (id) => {
  expect(() => embedding.rows(Int32Array.of(id))).toThrow(`no whole row for token ${id}`);
});

test('a file that is not there is refused with its name', async () => {
  await expect(Embedding.open(join(folder, 'none.bin'), 2)).rejects.toThrow(/none\.bin/);
});
