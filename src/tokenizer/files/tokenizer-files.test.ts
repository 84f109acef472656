import { mkdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { byteLevelJson, folderWith, llamaJson } from './tiny-tokenizers.fixture.js';
import { MAX_ADDED_TOKENS, MAX_TOKEN_CHARS, MAX_TREE_CHARS } from './token-limits.js';
import { MAX_TOKENIZER_BYTES } from './tokenizer-files.js';
import { loadTokenizer } from '../tokenizer.js';

test('a missing folder is MODEL_NOT_FOUND, a missing tokenizer.json a broken checkpoint with its remedy', async () => {
  await expect(loadTokenizer('/nowhere/at/all')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  const empty = loadTokenizer(await folderWith({}));
  await expect(empty).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  await expect(empty).rejects.toThrow(/tokenizer\.json is missing; .*token ids/);
});

const base = byteLevelJson();
const model = base.model as Record<string, unknown>;
test.each([
  ['no JSON', '{"model": '],
  ['no object', '[]'],
  ['no model', { ...base, model: undefined }],
  ['an unknown model', { ...base, model: { ...model, type: 'WordPiece' } }],
  ['an id that is huge', { ...base, model: { ...model, vocab: { a: 2 ** 32 - 1 } } }],
  ['an id that is no number', { ...base, model: { ...model, vocab: { a: 'b' } } }],
  ['an added id that is huge', { ...base, added_tokens: [{ id: 4e9, content: 'x' }] }],
  ['merges that are no pairs', { ...base, model: { ...model, merges: [['a', 'b', 'c']] } }],
  ['a normalizer nobody knows', { ...base, normalizer: { type: 'Nonsense' } }],
  ['a pattern that is no regex', { ...base, pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } }],
  ['a decoder step that is no object', { ...base, decoder: { type: 'Sequence', decoders: [null] } }],
  ['steps nested without end', `{"model":{"vocab":{},"merges":[]},"normalizer":${nested(20_000)}}`],
  ['a post-processor with an unknown token', { ...base, post_processor: alien() }],
])('tokenizer.json with %s is a broken checkpoint, in one short line', async (_, json) => {
  const error: unknown = await loadTokenizer(await folderWith({ 'tokenizer.json': json })).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ code: 'BAD_CHECKPOINT' });
  const { message } = error as Error;
  expect(message).toContain('tokenizer.json');
  expect(message).not.toContain('\n');
  expect(message.length).toBeLessThan(500);
});

test.each([
  ['a decoder that looks back', { ...base, decoder: { type: 'WordPiece', prefix: '##' } }],
  ['no decoder', { ...base, decoder: null }],
  [
    'a decoder that strips the end of it all',
    {
      ...base,
      decoder: {
        type: 'Sequence',
        decoders: [{ type: 'Fuse' }, { type: 'Strip', content: ' ', start: 0, stop: 1 }],
      },
    },
  ],
  ['a decoder of regular expressions', { ...base, decoder: { type: 'Replace', pattern: { Regex: 'a' } } }],
  ['word-end markers', { ...base, model: { ...model, end_of_word_suffix: '</w>' } }],
])('%s is unsupported rather than wrong', async (_, json) => {
  const loading = loadTokenizer(await folderWith({ 'tokenizer.json': json }));
  await expect(loading).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' });
});

test.each([
  ['tokenizer_config.json', '{'],
  ['tokenizer_config.json', { add_bos_token: 'yes' }],
  ['tokenizer_config.json', { add_bos_token: true }],
  ['tokenizer_config.json', { chat_template: [{ name: 1 }] }],
  ['special_tokens_map.json', { bos_token: 7 }],
])('%s with %j is a broken checkpoint', async (file, json) => {
  const loading = loadTokenizer(await folderWith({ 'tokenizer.json': base, [file]: json }));
  await expect(loading).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
});

test('files that are too large or no files are refused before they are read', async () => {
  const folder = await folderWith({ 'tokenizer.json': llamaJson() });
  await truncate(join(folder, 'tokenizer.json'), MAX_TOKENIZER_BYTES + 1);
  await expect(loadTokenizer(folder)).rejects.toThrow(`more than the ${MAX_TOKENIZER_BYTES} allowed`);
  const directory = await folderWith({});
  await mkdir(join(directory, 'tokenizer.json'));
  await expect(loadTokenizer(directory)).rejects.toThrow('not a regular file');
});

const longest = 'x'.repeat(MAX_TOKEN_CHARS + 1);
const many = Array.from({ length: MAX_ADDED_TOKENS + 1 }, (_, id) => ({ id, content: `<${id}>` }));
const unigram = { type: 'Unigram', vocab: treeOf(MAX_TREE_CHARS).map((token) => [token, 0]) };
test.each([
  ['a long added token', { ...base, added_tokens: [{ id: 9, content: longest }] }, MAX_TOKEN_CHARS],
  ['a long token', { ...base, model: { ...model, vocab: { [longest]: 0 } } }, MAX_TOKEN_CHARS],
  ['too many added tokens', { ...base, added_tokens: many }, MAX_ADDED_TOKENS],
  ['a Unigram vocabulary that would be a large tree', { ...base, model: unigram }, MAX_TREE_CHARS],
])('%s is refused with its bound', async (_, json, bound) => {
  const loading = loadTokenizer(await folderWith({ 'tokenizer.json': json }));
  await expect(loading).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' });
  await expect(loading).rejects.toThrow(`the most is ${bound}; use another checkpoint, or`);
});

/** Tokens of the greatest length, with one character too many together. */
function treeOf(chars: number): string[] {
  const count = Math.floor(chars / MAX_TOKEN_CHARS) + 1;
  return Array.from({ length: count }, (_, id) => `${id}`.padEnd(MAX_TOKEN_CHARS, 'x'));
}

test('optional parts may be missing: merges as strings, no config, no normalizer', async () => {
  const merges = (model.merges as [string, string][]).map((merge) => merge.join(' '));
  const json = {
    decoder: base.decoder,
    pre_tokenizer: base.pre_tokenizer,
    model: { vocab: model.vocab, merges },
  };
  const tokenizer = await loadTokenizer(await folderWith({ 'tokenizer.json': json }));
  expect(tokenizer.decode(tokenizer.encode('he cat'))).toBe('he cat');
});

function nested(depth: number): string {
  return '{"type":"Sequence","normalizers":['.repeat(depth) + ']}'.repeat(depth);
}

function alien(): unknown {
  return {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<alien>' } }, { Sequence: { id: 'A' } }],
  };
}
