import { expect, test } from 'vitest';
import { byteTokenizer } from '../../tokenizer/index.js';
import type { LoadedModel } from '../load/load.js';
import { type RequestSettings, requestSchema } from '../options/request.js';
import { promptIds } from './validated-request.js';

const VOCABULARY = 300;
const CONTEXT_TOKENS = 20;
const model = {
  shape: { vocabulary: VOCABULARY, contextTokens: CONTEXT_TOKENS },
  tokenizer: byteTokenizer(VOCABULARY),
} as unknown as LoadedModel;

function request(given: object): RequestSettings {
  return requestSchema.parse({ maxTokens: 4, ...given });
}

test('text goes through the tokenizer, ids stay as they are', () => {
  expect([...promptIds(request({ prompt: 'A' }), model)]).toEqual([1, 3 + 65]);
  expect([...promptIds(request({ promptIds: [299, 0] }), model)]).toEqual([299, 0]);
});

test.each([[300], [2 ** 31], [2 ** 32], [2 ** 32 + 5], [Number.MAX_SAFE_INTEGER]])(
  'refuses id %d with the bound',
  (id) => {
    expect(() => promptIds(request({ promptIds: [1, id] }), model)).toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: `token id ${id} is not in the model's vocabulary of 300; ids go from 0 to 299`,
      }),
    );
  },
);

test('refuses an empty prompt, however it is given', () => {
  for (const given of [{ prompt: '' }, { promptIds: [] }]) {
    expect(() => promptIds(request(given), model)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  }
});

test('wants exactly one of text, ids and messages', () => {
  for (const given of [{}, { prompt: 'a', promptIds: [1] }]) {
    expect(() => promptIds(request(given), model)).toThrow(/give one of prompt, promptIds or messages/);
  }
});

test('takes what just fits and never cuts what does not', () => {
  const ids = Array.from({ length: CONTEXT_TOKENS - 4 }, (_, i) => i);
  expect(promptIds(request({ promptIds: ids }), model)).toHaveLength(16);
  expect(() => promptIds(request({ promptIds: [...ids, 1] }), model)).toThrow(
    expect.objectContaining({
      code: 'PROMPT_TOO_LONG',
      fields: { promptTokens: 17, maxTokens: 4, contextTokens: CONTEXT_TOKENS },
    }),
  );
});
