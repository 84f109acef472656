import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ggufBytes, type GgufValue } from '../../../../test/support/gguf-writer.js';
import { type Head, readHead } from './read-head.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvr-gguf-head-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function headOf(keys: Record<string, GgufValue>): Promise<Head> {
  const path = join(folder, 'head.gguf');
  const tensors = [{ name: 't', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }];
  writeFileSync(path, ggufBytes({ keys, tensors }));
  const file = await open(path);
  try {
    return await readHead(file, path);
  } finally {
    await file.close();
  }
}

test('keys come as what they are, sizes outermost first', async () => {
  const { metadata, tensors } = await headOf({
    words: ['a', 'ß', ''],
    numbers: [1, -2],
    isTrue: true,
    epsilon: 1e-5,
    count: 7,
  });
  expect(metadata.strings('words')).toEqual(['a', 'ß', '']);
  expect(metadata.numbers('numbers')).toEqual([1, -2]);
  expect(metadata.boolean('isTrue')).toBe(true);
  expect(metadata.number('epsilon')).toBe(1e-5);
  expect(metadata.layerNumber('count')).toBe(7);
  expect(metadata.number('nothing')).toBeUndefined();
  expect(tensors.get('t')?.shape).toEqual([2, 3]);
});

// The library reads 2,000,000 bytes at a time, and more only where it finds that a number is missing.
const FIRST = 'x'.repeat(1_000_000);
const ACROSS = `${'y'.repeat(1_039_990)}the end`;

test.each<[what: string, value: GgufValue]>([
  ['a text', ACROSS],
  ['the last of a list', ['one', ACROSS]],
])('%s that lies across what is read at once is whole', async (_what, value) => {
  const { metadata } = await headOf({ first: FIRST, across: value, after: 'it' });
  const read = typeof value === 'string' ? metadata.string('across') : metadata.strings('across');
  expect(read).toEqual(value);
  expect(metadata.string('after')).toBe('it');
});
