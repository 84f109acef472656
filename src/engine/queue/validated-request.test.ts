import { expect, test } from 'vitest';
import { byteTokenizer } from '../../tokenizer/index.js';
import type { LoadedModel } from '../load/load.js';
import { type RequestSettings, requestSchema } from '../options/request.js';
import { InlinePreparation } from '../preparation/inline-preparation.js';
import { promptIds, validateRequest } from './validated-request.js';

const VOCABULARY = 300;
const CONTEXT_TOKENS = 20;
const model = {
  shape: { vocabulary: VOCABULARY, contextTokens: CONTEXT_TOKENS },
  tokenizer: byteTokenizer(VOCABULARY),
} as unknown as LoadedModel;

const preparation = new InlinePreparation({ tokenizer: model.tokenizer, contextTokens: CONTEXT_TOKENS });
const ids = async (given: object): Promise<number[]> => [
  ...(await promptIds(request(given), model, preparation)),
];

function request(given: object): RequestSettings {
  return requestSchema.parse({ maxTokens: 4, ...given });
}

test('text goes through the tokenizer, ids stay as they are', async () => {
  expect(await ids({ prompt: 'A' })).toEqual([1, 3 + 65]);
  expect(await ids({ promptIds: [299, 0] })).toEqual([299, 0]);
});

test.each([[300], [2 ** 31], [2 ** 32], [2 ** 32 + 5], [Number.MAX_SAFE_INTEGER]])(
  'refuses id %d with the bound',
  async (id) => {
    await expect(ids({ promptIds: [1, id] })).rejects.toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: `token id ${id} is not in the model's vocabulary of 300; ids go from 0 to 299`,
      }),
    );
  },
);

test('refuses an empty prompt, however it is given', async () => {
  for (const given of [{ prompt: '' }, { promptIds: [] }]) {
    await expect(ids(given)).rejects.toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  }
});

test('wants exactly one of text, ids and messages', async () => {
  for (const given of [{}, { prompt: 'a', promptIds: [1] }]) {
    await expect(ids(given)).rejects.toThrow(/give one of prompt, promptIds or messages/);
  }
});

test('takes what just fits and never cuts what does not', async () => {
  const many = Array.from({ length: CONTEXT_TOKENS - 4 }, (_, i) => i);
  expect(await ids({ promptIds: many })).toHaveLength(16);
  await expect(ids({ promptIds: [...many, 1] })).rejects.toThrow(
    expect.objectContaining({
      code: 'PROMPT_TOO_LONG',
      fields: { promptTokens: 17, maxTokens: 4, contextTokens: CONTEXT_TOKENS },
    }),
  );
});

test("a request's own sampling goes before the checkpoint's, field by field", async () => {
  const samplingOf = async (sampling: object | undefined, samplingDefaults: object | undefined) => {
    const parts = {
      model: { ...model, eosIds: [], samplingDefaults },
      settings: { kvDtype: 'f32' as const },
      preparation,
    };
    const asked = { promptIds: [1], maxTokens: 4, ...(sampling && { sampling }) };
    const { spec } = await validateRequest(asked, parts, new AbortController().signal);
    return spec.sampling;
  };
  const checkpoint = { temperature: 0.6, topK: 20 };
  expect(await samplingOf(undefined, checkpoint)).toMatchObject({ temperature: 0.6, topK: 20, topP: 1 });
  expect(await samplingOf({ temperature: 0, topK: undefined, seed: 3 }, checkpoint)).toMatchObject({
    temperature: 0,
    topK: 20,
    seed: 3,
  });
  expect(await samplingOf({}, undefined)).toMatchObject({ temperature: 0, topK: 0 });
});
