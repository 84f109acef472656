import * as tokenizers from '@huggingface/tokenizers';
import { expect, test } from 'vitest';

import { byteLevelJson, folderWith, llamaJson, randomText, seeded } from './files/tiny-tokenizers.fixture.js';
import { loadTokenizer } from './tokenizer.js';
import type { Tokenizer as OurTokenizer } from './tokenizer.js';

/** Its declarations resolve to nothing here (files/hugging-face.ts says why). */
const { Tokenizer } = tokenizers as unknown as {
  Tokenizer: new (
    json: object,
    config: object,
  ) => {
    id_to_token(id: number): string | undefined;
    decode(ids: number[], options: object): string;
  };
};

const KINDS = [
  { name: 'Llama-style', json: llamaJson(), ids: 273, byteAt: 3 },
  { name: 'byte-level', json: byteLevelJson(), ids: 303, byteAt: 0 },
];

test.each(KINDS)('$name: any ids stream to what the library decodes from all of them', async (kind) => {
  const tokenizer = await load(kind.json);
  const library = new Tokenizer(kind.json, {});
  const random = seeded(3);
  for (let round = 0; round < 200; round += 1) {
    const ids = randomIds(random, kind, tokenizer).filter((id) => library.id_to_token(id) !== undefined);
    const expected = ids.length === 0 ? '' : library.decode(ids, PLAIN);
    expect(pushes(tokenizer, ids).join('')).toBe(expected);
    expect(tokenizer.decode(ids)).toBe(expected);
  }
});

test.each(KINDS)('$name: what is pushed is a beginning of every text that may still come', async (kind) => {
  const tokenizer = await load(kind.json);
  const random = seeded(4);
  for (let round = 0; round < 60; round += 1) {
    const ids = randomIds(random, kind, tokenizer);
    const stream = tokenizer.stream();
    const certain = ids.map((id) => stream.push(id)).join('');
    for (let next = 0; next < 5; next += 1) {
      const whole = tokenizer.decode([...ids, ...randomIds(random, kind, tokenizer)]);
      expect(whole.startsWith(certain)).toBe(true);
    }
  }
});

test.each(KINDS)('$name: sound text never shows U+FFFD or half a surrogate pair on its way', async (kind) => {
  const tokenizer = await load(kind.json);
  const random = seeded(5);
  for (let round = 0; round < 300; round += 1) {
    for (const text of pushes(tokenizer, tokenizer.encode(randomText(random, 10)))) {
      expect(text).not.toMatch(/\uFFFD|\p{Surrogate}/u);
    }
  }
});

test.each(KINDS)('$name: after a prompt only what follows is pushed, wherever the cut is', async (kind) => {
  const tokenizer = await load(kind.json);
  const random = seeded(6);
  for (let round = 0; round < 300; round += 1) {
    const ids = randomIds(random, kind, tokenizer);
    const cut = random(ids.length + 1);
    const prompt = tokenizer.stream();
    const shown = ids.slice(0, cut).map((id) => prompt.push(id)).join(''); // prettier-ignore
    const stream = tokenizer.stream(ids.slice(0, cut));
    const rest = ids.slice(cut).map((id) => stream.push(id)).join('') + stream.end(); // prettier-ignore
    expect(shown + rest).toBe(tokenizer.decode(ids));
  }
});

test('a byte that nothing can complete shows at once, an unfinished character only at the end', async () => {
  const stream = (await load(byteLevelJson())).stream();
  expect(stream.push(0xff)).toBe('\uFFFD');
  expect(stream.push(0xe6)).toBe('');
  expect(stream.push(0x97)).toBe('');
  expect(stream.push(0x61)).toBe('\uFFFDa');
  expect(stream.push(0xe6)).toBe('');
  expect(stream.end()).toBe('\uFFFD');
  expect(stream.end()).toBe('');
});

test('a special token between the bytes of a character does not break it', async () => {
  const tokenizer = await load(byteLevelJson());
  expect(tokenizer.decode([0xe6, 300, 0x97, 0xa5])).toBe('日');
});

test('a byte order mark is text', async () => {
  for (const { json, byteAt } of KINDS) {
    const bom = [0xef, 0xbb, 0xbf].map((byte) => byte + byteAt);
    expect((await load(json)).decode(bom)).toBe('\uFEFF');
  }
});

const PLAIN = { skip_special_tokens: true, clean_up_tokenization_spaces: false };

async function load(json: unknown): Promise<OurTokenizer> {
  return loadTokenizer(await folderWith({ 'tokenizer.json': json }));
}

function pushes(tokenizer: OurTokenizer, ids: readonly number[]): string[] {
  const stream = tokenizer.stream();
  return [...ids.map((id) => stream.push(id)), stream.end()];
}

/** Ids of sound text, of the same with bytes dropped or doubled, and of nothing in particular. */
function randomIds(
  random: (below: number) => number,
  { ids, byteAt }: { ids: number; byteAt: number },
  tokenizer: OurTokenizer,
): number[] {
  const sound = tokenizer.encode(randomText(random, 6));
  const bytes = Array.from(Buffer.from(randomText(random, 4)), (byte) => byte + byteAt);
  const torn = bytes.flatMap((id) => (random(8) === 0 ? [] : random(8) === 0 ? [id, id] : [id]));
  const noise = Array.from({ length: random(6) }, () => random(ids));
  return [sound, torn, noise].sort(() => random(2) - 0.5).flat();
}
