import { expect, test } from 'vitest';

import { byteTokenizer } from './byte-tokenizer.js';
import { randomText, seeded } from './files/tiny-tokenizers.fixture.js';

test('text comes back from its bytes, after BOS', () => {
  const tokenizer = byteTokenizer(32_000);
  expect(tokenizer.encode('aé')).toEqual([1, 3 + 0x61, 3 + 0xc3, 3 + 0xa9]);
  const random = seeded(10);
  for (let round = 0; round < 200; round += 1) {
    const text = randomText(random, 10);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  }
});

test('ids that are no bytes show as numbers, also between the bytes of a character', () => {
  const tokenizer = byteTokenizer(32_000);
  expect(tokenizer.decode([1, 3 + 0x61, 258, 259, 31_999, 2])).toBe('a\uFFFD⟨259⟩⟨31999⟩');
  const stream = tokenizer.stream([1, 3 + 0xc3]);
  expect(stream.push(3 + 0xa9)).toBe('é');
});

test('bytes wrap in a small vocabulary', () => {
  const tokenizer = byteTokenizer(67);
  const ids = tokenizer.encode('hello 日本');
  expect(ids.every((id) => id >= 1 && id < 67)).toBe(true);
  expect(ids[1]).toBe(3 + (0x68 % 64));
  expect(tokenizer.decode([66])).toBe('?');
});

test('a vocabulary without room for bytes is refused, and so are messages', () => {
  for (const vocabulary of [3, 0, -1, 4.5, Number.NaN]) {
    expect(() => byteTokenizer(vocabulary)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  }
  const tokenizer = byteTokenizer(512);
  expect(tokenizer.hasChatTemplate).toBe(false);
  expect(() => tokenizer.applyChat([{ role: 'user', content: 'x' }])).toThrow(/generate/);
});
