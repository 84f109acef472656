import { expect, test } from 'vitest';
import { byteLevelJson, folderWith } from './files/tiny-tokenizers.fixture.js';
import { openTokenizer, tokenizerSource } from './open-tokenizer.js';

test('a model without a folder reads bytes, a folder with tokenizer.json that', async () => {
  expect(await tokenizerSource(undefined, 300)).toMatchObject({ kind: 'bytes' });
  const folder = await folderWith({ 'tokenizer.json': byteLevelJson() });
  expect((await openTokenizer(await tokenizerSource(folder, 400))).encode('a')).toEqual([97]);
});

test.each([
  [
    {},
    /has no tokenizer\.json, .*put the one of the model there, give the prompt as token ids, or .*--byte-tokens/,
  ],
  [{ 'tokenizer.model': 'x' }, /has tokenizer\.model but no tokenizer\.json, .*make one with transformers/],
])('a folder with %j takes ids alone, and says what to do for text', async (files, said) => {
  const tokenizer = await openTokenizer(await tokenizerSource(await folderWith(files), 400));
  expect(tokenizer.decode([1, 399])).toBe('⟨1⟩⟨399⟩');
  expect(tokenizer.stream([1]).push(2)).toBe('⟨2⟩');
  expect(() => tokenizer.encode('a')).toThrow(expect.objectContaining({ code: 'BAD_CHECKPOINT' }));
  expect(() => tokenizer.encode('a')).toThrow(said);
  expect(() => tokenizer.applyChat([{ role: 'user', content: 'a' }])).toThrow(said);
});

test('it reads bytes where that is asked for, but only without a tokenizer of its own', async () => {
  expect(await tokenizerSource(await folderWith({}), 400, true)).toMatchObject({ kind: 'bytes' });
  const folder = await folderWith({ 'tokenizer.json': byteLevelJson() });
  expect(await tokenizerSource(folder, 400, true)).toMatchObject({ kind: 'folder' });
});
