import { expect, test } from 'vitest';
import { seededRandom } from '../../core/random.js';
import { acceptsSchema } from '../accepts.test-support.js';

const PATTERNS = [
  '^a*b+c?$',
  'b',
  '^b|a$',
  '^(?:ab|c){2,3}$',
  '^[a-c]+?[^a]$',
  '^\\d{2}|\\w\\s$',
  '^.$',
  '^\\u0061[\\x62\\u{63}]$',
  '^[\\s\\S]{2}$',
  '^$',
  '^(a|b|)*c$',
  '"',
  '^[\\w.-]+\\\\$',
];
const ALPHABET = ['a', 'b', 'c', '1', ' ', '"', '\\', '\n', 'é', '😀', '\u2028'];

test('the same texts match as RegExp says, wherever a pattern is anchored', () => {
  const random = seededRandom(9);
  let matching = 0;
  for (const pattern of PATTERNS) {
    const schema = { pattern };
    for (let round = 0; round < 150; round++) {
      const length = Math.floor(random() * 5);
      const text = Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
      const isMatch = new RegExp(pattern, 'u').test(text);
      if (isMatch) matching++;
      const isTaken = acceptsSchema(schema, JSON.stringify(text));
      expect([pattern, text, isTaken]).toEqual([pattern, text, isMatch]);
    }
  }
  expect(matching).toBeGreaterThan(150);
});
