import { expect, test } from 'vitest';
import { seededRandom } from '../../core/random.js';
import { Meter } from '../limits/meter.js';
import type { Walker } from '../terms/terms.js';
import { readPattern } from './reader.js';
import { languageWalker, matcherOf, oneOf } from './text-language.js';

const PATTERNS = [
  '^a*b+c?$',
  'b',
  '^b|a$',
  '(^a|b$)',
  '^(?=.*1).{2,}$',
  '^(?!.*b)[abc]+$',
  '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$',
  '\\bab\\b',
  '\\Bb',
  'a(?<=ba)',
  '(?<!b)a(?!c)',
  '^(?:(?=a)[ab]|c)*$',
  '^(\\p{L}|1)+$',
  '^\\P{Lu}+$',
  '^(?!(?:a|b)*$).*$',
  '(?=(?=a)ab)a',
  '^(?:a|(?<=a)b)*$',
  'a$|^$',
  '(?:^|b)a',
  '^(?:\\b[ab]+\\b ?)+$',
  '[^\\s\\S]|a',
  '^(?:a?){3}b$',
  '(?<=^|b)a(?=$|c)',
];
const ALPHABET = ['a', 'b', 'c', '1', ' ', '.', '-', 'é', 'É', '😀', '\n'];
const meter = () => new Meter();

function* texts(random: () => number, count: number): Generator<string> {
  for (let round = 0; round < count; round++)
    yield Array.from({ length: Math.floor(random() * 6) }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
} // prettier-ignore

test('texts match as RegExp says, with looks, word borders, properties and anchors anywhere', () => {
  const random = seededRandom(5);
  for (const pattern of PATTERNS) {
    const matches = matcherOf([{ tree: readPattern(pattern, meter()), isNegated: false }], meter());
    const fails = matcherOf([{ tree: readPattern(pattern, meter()), isNegated: true }], meter());
    const wanted = new RegExp(pattern, 'u');
    let found = 0;
    for (const text of texts(random, 400)) {
      const isMatch = wanted.test(text);
      if (isMatch) found++;
      expect([pattern, text, matches(text), !fails(text)]).toEqual([pattern, text, isMatch, isMatch]);
    }
    expect([pattern, found > 0]).toEqual([pattern, true]);
  }
});

/** Every text of at most so many characters that a walker leads to an end. */
function textsOf(walker: Walker | undefined, most: number, before: readonly number[] = []): string[] {
  if (!walker) return [];
  const own = walker.canEnd ? [Buffer.from(before).toString()] : [];
  if (before.length >= most) return own;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  return [...own, ...bytes.flatMap((byte) => textsOf(walker.next(byte), most, [...before, byte]))];
}

test('rules and lengths hold together, and what can not be ended is never begun', () => {
  const rule = (pattern: string, isNegated = false) => ({ tree: readPattern(pattern, meter()), isNegated });
  const rules = [rule('^[ab]+$'), rule('aa', true), { tree: oneOf(['ab']), isNegated: true }];
  expect(textsOf(languageWalker({ rules, min: 2, max: 3 }, meter()), 4)).toEqual(['aba', 'abb', 'ba', 'bab', 'bb', 'bba', 'bbb']);
  expect(languageWalker({ rules, min: 0, max: 0 }, meter())).toBeUndefined();
  expect(languageWalker({ rules: [rule('a'), rule('a', true)], min: 0, max: Infinity }, meter())).toBeUndefined();
  const quoted = languageWalker({ rules: [rule('^["\\n\\u0001]$')], min: 0, max: Infinity }, meter());
  expect(textsOf(quoted, 6).sort()).toEqual(['\\"', '\\n', '\\u0001']);
}); // prettier-ignore

test('spellings of Python and of older engines are read', () => {
  const matches = (pattern: string, text: string) => matcherOf([{ tree: readPattern(pattern, meter()), isNegated: false }], meter())(text);
  expect(matches('\\A[a-z]+\\Z', 'ab')).toBe(true);
  expect(matches('\\A[a-z]+\\Z', 'a1')).toBe(false);
  expect(matches('^(?P<x>a){,2}$', 'aa')).toBe(true);
  expect(matches('^[\\w\\-\\_]{2}$', '-_')).toBe(true);
  expect(matches('^a{b}$', 'a{b}')).toBe(true);
  expect(() => matches('(a)\\1', 'aa')).toThrow('not supported');
  expect(() => matches('(', 'aa')).toThrow('not a regular expression');
}); // prettier-ignore

test.each([
  '^(?=.*a.{20}).*b.{20}$',
  `^${'(?=.*a)(?=.*b)'.repeat(30)}`,
  `^${'(?!.*a.{9}b)'.repeat(12)}`,
  '^((a{0,1000}){0,1000}){0,1000}(?!b)$',
  `^(?=${'(?:a?){900}'.repeat(9)}b)a`,
  `${'(?<=a)'.repeat(150)}b`,
  `^(?:${'(?=\\p{L}*\\d)'.repeat(20)}.)+$`,
  `^(?:${Array.from({ length: 40 }, (_, k) => `(?!.{${k}}a)(?=.*b)`).join('')}.)*$`,
])('a hostile pattern is refused, or small: %s', (pattern) => {
  const counted = new Meter();
  try {
    matcherOf([{ tree: readPattern(pattern, counted), isNegated: false }], counted)('ab');
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_INPUT' });
  }
  expect(counted.spent).toBeLessThan(500_000);
});
