import { expect, test } from 'vitest';

import { byteLevelJson, llamaJson, randomText, seeded } from '../files/tiny-tokenizers.fixture.js';
import { tokenizerSchema } from '../files/tokenizer-json.js';
import type { BpeModel } from '../files/tokenizer-json.js';
import { wordModelOf } from './word-model.js';
import { wordSplitOf } from './word-split.js';

const LLAMA = tokenizerSchema.parse(llamaJson()).model as BpeModel;
const TEXT = '▁the▁▁cat▁';

test('words are cut, and their ids are those of the whole text', () => {
  const words = wordSplitOf(LLAMA);
  const model = wordModelOf(LLAMA);
  expect(words(TEXT)).toEqual(['▁the', '▁▁cat', '▁']);
  const random = seeded(7);
  for (let round = 0; round < 500; round += 1) {
    const text = randomText(random, 20).replaceAll(' ', '▁');
    expect(words(text).flatMap(model)).toEqual(model(text));
  }
});

test.each<[why: string, model: BpeModel]>([
  ['a merge reaches across words', { ...LLAMA, merges: ['e ▁t'] }],
  ['whole texts are looked up', { ...LLAMA, ignore_merges: true }],
  ['unknown characters vanish', { ...LLAMA, unk_token: null }],
  ['it has no token for the mark', tokenizerSchema.parse(byteLevelJson()).model as BpeModel],
])('nothing is cut where %s', (_why, model) => {
  expect(wordSplitOf(model)(TEXT)).toEqual([TEXT]);
});
