import { expect, test } from 'vitest';
import { describeSampling } from '../../core/sampling.js';
import { readMaxNewTokens, readSamplingDefaults } from './sampling-defaults.js';

test.each([
  [undefined, undefined],
  [{ eos_token_id: 2 }, undefined],
  [
    { do_sample: true, temperature: 0.6, top_p: 0.95, top_k: 20, min_p: 0, repetition_penalty: 1.05 },
    { temperature: 0.6, topP: 0.95, topK: 20, minP: 0, repetitionPenalty: 1.05 },
  ],
  // Files name numbers without saying whether tokens are drawn, and mean them.
  [{ temperature: 0.7 }, { temperature: 0.7 }],
  [
    { do_sample: false, temperature: 0.7, top_k: 50, repetition_penalty: 1.1 },
    { temperature: 0, repetitionPenalty: 1.1 },
  ],
  [{ temperature: -1, top_p: 'x', top_k: null, min_p: 2 }, undefined],
  ['text', undefined],
])('%j says %j', (json, said) => {
  expect(readSamplingDefaults(json)).toEqual(said);
});

test('what is used can be told in the words of the file', () => {
  expect(describeSampling({ repetitionPenalty: 1.1, temperature: 0.6 })).toBe(
    'temperature 0.6, repetition_penalty 1.1',
  );
  expect(describeSampling({})).toBe('');
});

test.each([
  [{ max_new_tokens: 2048 }, 2048],
  [{ max_new_tokens: 0 }, undefined],
  [{ max_new_tokens: '9' }, undefined],
  [{ max_length: 20 }, undefined],
  [undefined, undefined],
])('of %j a usual answer has %j tokens', (json, tokens) => {
  expect(readMaxNewTokens(json)).toBe(tokens);
});
