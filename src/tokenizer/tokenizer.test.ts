import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { byteLevelJson, folderWith, llamaJson, randomText, seeded } from './files/tiny-tokenizers.fixture.js';
import { loadTokenizer } from './tokenizer.js';

const STORIES = fileURLToPath(new URL('../../../shared/models/stories260k', import.meta.url));
type ReferenceCase = { prompt: string; prompt_ids: number[]; output_ids: number[]; text: string };

// Skips where the reference model is not beside the repository.
test.skipIf(!existsSync(STORIES))('every reference prompt and text of stories260k is met', async () => {
  const tokenizer = await loadTokenizer(STORIES);
  const reference = JSON.parse(readFileSync(`${STORIES}/reference.json`, 'utf8')) as {
    cases: ReferenceCase[];
  };
  expect(tokenizer.vocabulary).toBe(512);
  for (const { prompt, prompt_ids, output_ids, text } of reference.cases) {
    expect(tokenizer.encode(prompt)).toEqual(prompt_ids);
    expect(tokenizer.decode([...prompt_ids, ...output_ids])).toBe(text);
    const stream = tokenizer.stream(prompt_ids);
    const streamed = output_ids.map((id) => stream.push(id)).join('') + stream.end();
    expect(tokenizer.decode(prompt_ids) + streamed).toBe(text);
  }
});

test('Llama-style ids equal those of merging the whole text pair by pair', async () => {
  const json = llamaJson();
  const tokenizer = await loadTokenizer(await folderWith({ 'tokenizer.json': json }));
  const { vocab, merges } = json.model as { vocab: Record<string, number>; merges: [string, string][] };
  const random = seeded(1);
  for (let round = 0; round < 300; round += 1) {
    const text = randomText(random, 12);
    expect(tokenizer.encode(text)).toEqual([1, ...slowLlamaIds(text, vocab, merges)]);
  }
});

test.each([
  ['Llama-style', llamaJson()],
  ['byte-level', byteLevelJson()],
])('%s decoding gives the encoded text back', async (_, json) => {
  const tokenizer = await loadTokenizer(await folderWith({ 'tokenizer.json': json }));
  const random = seeded(2);
  for (let round = 0; round < 300; round += 1) {
    // "▁" and a space are one thing to SentencePiece, so it can not come back as it was.
    const text = randomText(random, 12).replaceAll('▁', '_');
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  }
});

test('a leading space goes at the start of a text only, and stays after a prompt', async () => {
  const tokenizer = await loadTokenizer(await folderWith({ 'tokenizer.json': llamaJson() }));
  const the = tokenizer.encode('the').slice(1);
  expect(tokenizer.decode(the)).toBe('the');
  expect(tokenizer.decode([...the, ...the])).toBe('the the');
  expect(tokenizer.stream([1, ...the]).push(the[0] ?? 0)).toBe(' the');
  expect(tokenizer.stream([1]).push(the[0] ?? 0)).toBe('the');
});

test('a text that begins with BOS gets no second one', async () => {
  const tokenizer = await loadTokenizer(
    await folderWith({ 'tokenizer.json': llamaJson(), 'tokenizer_config.json': { bos_token: '<s>' } }),
  );
  expect(tokenizer.encode('<s>a').filter((id) => id === 1)).toEqual([1]);
});

test.each([
  [{ add_bos_token: true }, [300], []],
  [{ add_eos_token: true }, [], [302]],
  [{ add_bos_token: true, add_eos_token: true }, [300], [302]],
  [{ add_bos_token: false }, [], []],
  [{ tokenizer_class: 'GPT2Tokenizer' }, [], []],
])('the config %j frames a text whose post-processor adds nothing', async (flags, before, after) => {
  const config = { ...flags, bos_token: { content: '<bos>' }, eos_token: '<eot>' };
  const folder = await folderWith({ 'tokenizer.json': byteLevelJson(), 'tokenizer_config.json': config });
  const tokenizer = await loadTokenizer(folder);
  const plain = (await loadTokenizer(await folderWith({ 'tokenizer.json': byteLevelJson() }))).encode(
    'a cat',
  );
  expect(tokenizer.encode('a cat')).toEqual([...before, ...plain, ...after]);
});

test('add_bos_token wins over the post-processor, and agrees with it without doubling', async () => {
  const first = async (flag: boolean): Promise<number[]> => {
    const config = { add_bos_token: flag, bos_token: '<s>' };
    const folder = await folderWith({ 'tokenizer.json': llamaJson(), 'tokenizer_config.json': config });
    return (await loadTokenizer(folder)).encode('a');
  };
  expect((await first(true)).filter((id) => id === 1)).toEqual([1]);
  expect((await first(false)).filter((id) => id === 1)).toEqual([]);
});

test('a Llama tokenizer without post-processor adds BOS, as its class does', async () => {
  const folder = await folderWith({
    'tokenizer.json': { ...llamaJson(), post_processor: null },
    'tokenizer_config.json': { tokenizer_class: 'LlamaTokenizerFast' },
    'special_tokens_map.json': { bos_token: { content: '<s>' } },
  });
  expect((await loadTokenizer(folder)).encode('a')[0]).toBe(1);
});

test('special tokens and ids without a token are left out of text; other added tokens are text', async () => {
  const tokenizer = await loadTokenizer(await folderWith({ 'tokenizer.json': byteLevelJson() }));
  expect(tokenizer.vocabulary).toBe(303);
  expect(tokenizer.encode('a<tool><eot>')).toEqual([97, 301, 302]);
  expect(tokenizer.decode([300, 97, 301, 280, 99_999, 302])).toBe('a<tool>');
  expect(tokenizer.decode([])).toBe('');
});

test('a padding token that is ordinary text stays in the text', async () => {
  const config = { pad_token: '!' };
  const folder = await folderWith({ 'tokenizer.json': byteLevelJson(), 'tokenizer_config.json': config });
  expect((await loadTokenizer(folder)).decode([97, 33])).toBe('a!');
});

test('clean_up_tokenization_spaces does not touch the text', async () => {
  const config = { clean_up_tokenization_spaces: true };
  const folder = await folderWith({ 'tokenizer.json': byteLevelJson(), 'tokenizer_config.json': config });
  const tokenizer = await loadTokenizer(folder);
  expect(tokenizer.decode(tokenizer.encode("f( 'a' , [ ] ) ."))).toBe("f( 'a' , [ ] ) .");
});

test('a Unigram tokenizer works, and a text beyond what the library can hold is bad input', async () => {
  const letters = [...'▁abcdeht'].map((letter) => [letter, -5]);
  const model = { type: 'Unigram', unk_id: 0, vocab: [['<unk>', 0], ...letters, ['▁the', -3]] };
  const metaspace = { type: 'Metaspace', replacement: '▁' };
  const json = { pre_tokenizer: metaspace, decoder: metaspace, model };
  const tokenizer = await loadTokenizer(await folderWith({ 'tokenizer.json': json }));
  expect(tokenizer.encode('the bed')).toEqual([9, 1, 3, 6, 5]);
  expect(tokenizer.decode([9, 1, 3, 6, 5])).toBe('the bed');
  expect(() => tokenizer.encode('ab'.repeat(150_000))).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT' }),
  );
});

/** "▁" first, spaces as "▁", then the best-ranked leftmost pair of the whole text merged until none is left. */
function slowLlamaIds(text: string, vocab: Record<string, number>, merges: [string, string][]): number[] {
  if (text === '') return [];
  const word = [...`▁${text.replaceAll(' ', '▁')}`];
  for (;;) {
    const best = merges.find(([left, right]) =>
      word.some((part, at) => part === left && word[at + 1] === right),
    );
    if (best === undefined) break;
    const at = word.findIndex((part, index) => part === best[0] && word[index + 1] === best[1]);
    word.splice(at, 2, best.join(''));
  }
  const byteIds = (part: string): number[] => Array.from(Buffer.from(part), (byte) => 3 + byte);
  return word.flatMap((part) => vocab[part] ?? byteIds(part));
}

test.each(['(a+)+$', '(?:a|a)*b', '^(\\p{L}*)*!'])(
  'a pattern that never ends on a text (%s) is one error that names it, not a thread that is held',
  async (Regex) => {
    const json = {
      ...byteLevelJson(),
      pre_tokenizer: { type: 'Split', pattern: { Regex }, behavior: 'Isolated' },
    };
    const folder = await folderWith({ 'tokenizer.json': json });
    const tokenizer = await loadTokenizer(folder, { timeLimitMs: () => 50 });
    const encode = (): unknown => tokenizer.encode(`${'a'.repeat(60)}?`);
    expect(encode).toThrow(expect.objectContaining({ code: 'BAD_CHECKPOINT' }));
    expect(encode).toThrow('tokenizer.json did not end within 50 ms on a text of 61 characters; use another');
  },
);
