import { expect, test } from 'vitest';

import { openLibraryTokenizer } from './files/hugging-face.js';
import { byteLevelJson, llamaJson, randomText, seeded } from './files/tiny-tokenizers.fixture.js';
import { tokenizerSchema } from './files/tokenizer-json.js';
import { withWordSplit } from './word-split.js';

const llama = tokenizerSchema.parse(llamaJson());

test('cutting words leaves all ids as they were', () => {
  for (const own of [null, { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first' }]) {
    const json = { ...llama, pre_tokenizer: own };
    const split = openLibraryTokenizer(withWordSplit(json), {});
    const whole = openLibraryTokenizer(json, {});
    const random = seeded(7);
    for (let round = 0; round < 500; round += 1) {
      const text = randomText(random, 20);
      expect(split.encode(text, { add_special_tokens: false }).ids).toEqual(
        whole.encode(text, { add_special_tokens: false }).ids,
      );
    }
  }
});

test('a tokenizer with a merge across words, or one that looks up whole texts, is left alone', () => {
  if (llama.model.type !== 'BPE') throw new Error('the fixture is BPE');
  const across = { ...llama, model: { ...llama.model, merges: ['e ▁t'] } };
  const lookup = { ...llama, model: { ...llama.model, ignore_merges: true } };
  const byteLevel = tokenizerSchema.parse(byteLevelJson());
  for (const json of [across, lookup, byteLevel]) expect(withWordSplit(json)).toBe(json);
});
