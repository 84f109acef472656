import { createHash } from 'node:crypto';
import { mkdtemp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTokenizer } from '../../tokenizer/index.js';
import { writeQuoteCheckpoint } from './index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kvr-quote-'));
  await writeQuoteCheckpoint(join(folder, 'a'));
});
afterAll(() => rm(folder, { recursive: true }));

async function digests(of: string): Promise<Record<string, string>> {
  const names = (await readdir(of)).sort();
  const hash = async (name: string) =>
    createHash('sha256')
      .update(await readFile(join(of, name)))
      .digest('hex');
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await hash(name)] as const)));
}

test('two folders hold the same files, byte for byte, and nothing is left beside them', async () => {
  await writeQuoteCheckpoint(join(folder, 'deeper', 'b'));
  const first = await digests(join(folder, 'a'));
  expect(await digests(join(folder, 'deeper', 'b'))).toEqual(first);
  expect(Object.keys(first)).toEqual([
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  expect((await readdir(folder)).sort()).toEqual(['a', 'deeper']);
});

test('a folder with files in the way stays as it is, and nothing is left beside it', async () => {
  await mkdir(join(folder, 'taken'));
  await writeFile(join(folder, 'taken', 'note'), 'mine');
  await expect(writeQuoteCheckpoint(join(folder, 'taken'))).rejects.toMatchObject({ code: 'ENOTEMPTY' });
  expect((await readdir(folder)).sort()).toEqual(['a', 'deeper', 'taken']);
  expect(await readFile(join(folder, 'taken', 'note'), 'utf8')).toBe('mine');
});

test('the tokenizer puts begin first and gives the bytes of UTF-8 as ids, both ways', async () => {
  const tokenizer = await loadTokenizer(join(folder, 'a'));
  const everyByteInUtf8 = Array.from({ length: 0x800 }, (_, code) => String.fromCodePoint(code)).join('');
  for (const text of ['', 'a', "  it's  two\n\n\tlines ", 'Zoë 猫 🙂 \u{10ffff} e\u0301', everyByteInUtf8]) {
    const ids = tokenizer.encode(text);
    expect(ids).toEqual([256, ...Buffer.from(text)]);
    expect(tokenizer.decode(ids)).toBe(text);
  }
});
