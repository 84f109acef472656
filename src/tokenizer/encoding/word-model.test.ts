import { expect, test } from 'vitest';
import { tokenizerSchema } from '../files/tokenizer-json.js';
import { wordModelOf } from './word-model.js';
import type { WordModel } from './word-model.js';

const open = (model: object): WordModel => wordModelOf(tokenizerSchema.parse({ model }).model);
const BPE = {
  type: 'BPE',
  vocab: { '<unk>': 0, a: 1, b: 2, ab: 3, '<0xC3>': 4, '<0xA9>': 5, ba: 6 },
  merges: ['a b'],
};
const UNIGRAM = { type: 'Unigram', unk_id: 0, vocab: [['<unk>', 0], ['a', -1], ['<0xC3>', -9], ['<0xA9>', -9]] }; // prettier-ignore

test('unknown characters are fused within a word, or not, and never across words', () => {
  const fused = open({ ...BPE, unk_token: '<unk>', fuse_unk: true });
  expect(fused('xya')).toEqual([0, 1]);
  expect(['x', 'y'].flatMap(fused)).toEqual([0, 0]);
  expect(open({ ...BPE, unk_token: '<unk>' })('xya')).toEqual([0, 0, 1]);
});

test('characters without a token become bytes where all of those have tokens', () => {
  const bytes = open({ ...BPE, unk_token: '<unk>', byte_fallback: true });
  expect(bytes('aé')).toEqual([1, 4, 5]);
  expect(bytes('a日')).toEqual([1, 0]);
});

test('without an unknown token they are left out, and what was around them is merged', () => {
  expect(open(BPE)('axb')).toEqual([3]);
  expect(open({ ...BPE, byte_fallback: true })('aéb')).toEqual([1, 4, 5, 2]);
});

test('a word that is a token is taken whole where merges are ignored', () => {
  expect(open(BPE)('ba')).toEqual([2, 1]);
  expect(open({ ...BPE, ignore_merges: true })('ba')).toEqual([6]);
});

test('Unigram fuses unknown characters of a word, as bytes where it can', () => {
  expect(open(UNIGRAM)('axya')).toEqual([1, 0, 1]);
  expect(['x', 'y'].flatMap(open(UNIGRAM))).toEqual([0, 0]);
  expect(open({ ...UNIGRAM, byte_fallback: true })('aé')).toEqual([1, 2, 3]);
  expect(open({ ...UNIGRAM, unk_id: null })('x')).toEqual([undefined]);
});
