import { expect, test } from 'vitest';
import { preTokenizerOf } from './pre-tokenizer.js';

const pieces = (json: { type: string; [key: string]: unknown }, text: string, atStart = true): string[] =>
  preTokenizerOf(json)({ text, atStart }).map((piece) => piece.text);
const split = (behavior: string, invert = false): { type: string } & Record<string, unknown> => ({
  ...{ type: 'Split', pattern: { String: '-' }, behavior, invert },
});

test.each([
  ['Isolated', ['the', '-', 'final', '-', '-', 'countdown']],
  ['Removed', ['the', 'final', 'countdown']],
  ['Contiguous', ['the', '-', 'final', '--', 'countdown']],
  ['MergedWithPrevious', ['the-', 'final-', '-', 'countdown']],
  ['MergedWithNext', ['the', '-final', '-', '-countdown']],
])('a Split that is %s', (behavior, expected) => {
  expect(pieces(split(behavior), 'the-final--countdown')).toEqual(expected);
});

test('an inverted Split keeps, or drops, what does not match', () => {
  expect(pieces(split('Removed', true), 'a-b--c')).toEqual(['-', '-', '-']);
  expect(pieces(split('MergedWithPrevious', true), '-a-b')).toEqual(['-a', '-b']);
});

test('patterns that match nothing cut without end or half a character', () => {
  const everywhere = { type: 'Split', pattern: { Regex: '\\s*' }, behavior: 'Isolated' };
  expect(pieces(everywhere, '🚀a b')).toEqual(['🚀', 'a', ' ', 'b']);
});

test.each([
  [true, ['x', '1', '٣', '½', 'y']],
  [false, ['x', '1٣½', 'y']],
])('Digits are numbers of all scripts, one by one: %s', (individual_digits, expected) => {
  expect(pieces({ type: 'Digits', individual_digits }, 'x1٣½y')).toEqual(expected);
});

test('words and white space are those of Unicode', () => {
  expect(pieces({ type: 'Whitespace' }, 'héé日,! a\u0085b\ufeff')).toEqual([
    'héé日',
    ',!',
    'a',
    'b',
    '\ufeff',
  ]);
  expect(pieces({ type: 'WhitespaceSplit' }, 'a\u0085b\ufeffc')).toEqual(['a', 'b\ufeffc']);
  expect(pieces({ type: 'Punctuation', behavior: 'Contiguous' }, 'a$!¿b')).toEqual(['a', '$!¿', 'b']);
});

test.each([
  ['always', true, true, ['▁a', '▁b']],
  ['always', false, true, ['▁a', '▁b']],
  ['first', true, true, ['▁a', '▁b']],
  ['first', false, true, ['a', '▁b']],
  ['never', true, true, ['a', '▁b']],
  ['first', true, false, ['▁a▁b']],
])('Metaspace with a first space %s, at the start: %s, cut: %s', (prepend_scheme, atStart, cut, expected) => {
  const json = { type: 'Metaspace', replacement: '▁', prepend_scheme, split: cut };
  expect(pieces(json, 'a b', atStart)).toEqual(expected);
});

test('of several pieces only that at the start of the text gets a first space', () => {
  const pretokenizers = [split('Removed'), { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first' }];
  expect(pieces({ type: 'Sequence', pretokenizers }, 'a-b')).toEqual(['▁a', 'b']);
  expect(pieces({ type: 'Sequence', pretokenizers }, '-a-b')).toEqual(['a', 'b']);
});

test('bytes are written as characters, with a space in front where asked for', () => {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: true };
  expect(pieces(byteLevel, 'é a')).toEqual(['ĠÃ©', 'Ġa']);
  expect(pieces({ ...byteLevel, use_regex: false }, 'é a')).toEqual(['ĠÃ©Ġa']);
});

test('an unknown one is refused', () => {
  expect(() => preTokenizerOf({ type: 'Nonsense' })).toThrow('Nonsense');
});
