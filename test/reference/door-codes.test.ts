import { expect, test } from 'vitest';
import { doorCodeDocument } from './door-codes.js';

for (const tokens of [512, 2048, 8192]) {
  test(`a document of ${tokens} tokens has its facts spread over it, and prompts of exactly that length`, () => {
    const { text, questions } = doorCodeDocument({ tokens, seed: 3 });
    expect(questions).toHaveLength(tokens / 128);
    let previous = 0;
    for (const { prompt, answer } of questions) {
      const question = prompt.slice(prompt.lastIndexOf('The door code of'));
      expect(prompt).toHaveLength(tokens - 1);
      expect(prompt.startsWith(text)).toBe(true);
      expect(text.split(question)).toHaveLength(2);
      const at = text.indexOf(`${question}${answer}.`);
      expect(at).toBeGreaterThanOrEqual(previous);
      expect(at - previous).toBeLessThan(3 * 128);
      previous = at;
    }
  });
}

test('the same seed gives the same document, another seed another one, all ASCII', () => {
  const options = { tokens: 1024, facts: 4 };
  expect(doorCodeDocument({ ...options, seed: 5 })).toEqual(doorCodeDocument({ ...options, seed: 5 }));
  expect(doorCodeDocument({ ...options, seed: 6 }).text).not.toBe(
    doorCodeDocument({ ...options, seed: 5 }).text,
  );
  expect(doorCodeDocument({ ...options, seed: 5 }).text).toMatch(/^[\x20-\x7e\n]*$/);
});

test('facts that do not fit are refused', () => {
  expect(() => doorCodeDocument({ tokens: 300, facts: 20, seed: 1 })).toThrow(RangeError);
});
