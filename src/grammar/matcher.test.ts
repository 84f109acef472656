import { expect, test } from 'vitest';
import { byteTokenizer } from '../tokenizer/index.js';
import { Matcher, TokenGrammar } from './matcher.js';
import { packVocabulary, specialBytes, Vocabulary } from './vocabulary.js';

const WORDS = ['', 'a', 'ab', 'abc', 'b', '"', '"a', '":', 'true', 'tru', 'e', '[', ']', ',', ' ', 'é'];
const SPECIAL = WORDS.length;
const END = SPECIAL + 1;
const tokens = {
  vocabulary: END + 1,
  bytesOf: (id: number) => Buffer.from(WORDS[id] ?? ''),
  nameOf: (id: number) => (id === SPECIAL ? '<call>' : id === END ? '<end>' : undefined),
};
const vocabulary = new Vocabulary(packVocabulary(tokens), tokens.vocabulary);

/** Which tokens may come after the given ones. */
function allowed(grammar: unknown, ids: readonly number[]): string[] {
  const matcher = new Matcher(new TokenGrammar(grammar, vocabulary), [END]);
  for (const id of ids) matcher.accept(id);
  // Two more than the tokenizer knows: padding.
  const logits = new Float32Array(tokens.vocabulary + 2);
  matcher.restrict(logits);
  return [...logits.keys()]
    .filter((id) => logits[id] === 0)
    .map((id) => WORDS[id] ?? tokens.nameOf(id) ?? '?');
}

const idOf = (word: string): number => WORDS.indexOf(word);

test('tokens may cross the borders of what a grammar is made of', () => {
  const grammar = { type: 'json', schema: { type: 'array', items: { enum: ['ab', true] } } };
  expect(allowed(grammar, [])).toEqual(['[']);
  expect(allowed(grammar, [idOf('[')])).toEqual(['"', '"a', 'true', 'tru', ']', ' ']);
  expect(allowed(grammar, [idOf('['), idOf('"a')])).toEqual(['b']);
  expect(allowed(grammar, [idOf('['), idOf('tru')])).toEqual(['e']);
});

test('the end is allowed where the text is whole, and nowhere else', () => {
  const grammar = { type: 'choice', options: ['a', 'ab'].map((text) => ({ type: 'text', text })) };
  expect(allowed(grammar, [])).toEqual(['a', 'ab']);
  expect(allowed(grammar, [idOf('a')])).toEqual(['b', '<end>']);
  const matcher = new Matcher(new TokenGrammar(grammar, vocabulary), [END]);
  matcher.accept(idOf('a'));
  expect(matcher.mustEnd).toBe(false);
  matcher.accept(idOf('b'));
  expect(matcher.mustEnd).toBe(true);
  expect(() => matcher.accept(idOf('b'))).toThrow('against the grammar');
});

test('special tokens come where the grammar names them, never as text', () => {
  const call = { type: 'special', name: '<call>' };
  const rest = { type: 'json', schema: { const: true } };
  const grammar = { type: 'sequence', parts: [{ type: 'free', without: ['true'] }, call, rest] };
  expect(allowed(grammar, [])).toContain('<call>');
  expect(allowed(grammar, [])).not.toContain('true');
  expect(allowed(grammar, [idOf('tru')])).not.toContain('e');
  expect(allowed(grammar, [idOf('é'), SPECIAL])).toEqual(['true', 'tru']);
  expect(allowed({ type: 'json', schema: true }, [idOf('"')])).not.toContain('<call>');
  expect([...specialBytes('<call>')][0]).toBe(0xff);
});

test('a vocabulary that lacks what the grammar needs is told', () => {
  expect(() => allowed({ type: 'text', text: 'zz' }, [])).toThrow('no token of the vocabulary');
});

test('bytes of characters are tokens like others', () => {
  const bytes = byteTokenizer(259);
  const known = new Vocabulary(packVocabulary(bytes), bytes.vocabulary);
  const matcher = new Matcher(new TokenGrammar({ type: 'json', schema: { const: 'é' } }, known), [2]);
  for (const id of bytes.encode('"é"').slice(1)) matcher.accept(id);
  expect(matcher.mustEnd).toBe(true);
});

test('a vocabulary that is none is refused', () => {
  expect(() => new Vocabulary(new Uint8Array(3), 2)).toThrow('can not be packed in these 3 bytes');
  expect(() => new Vocabulary(Uint8Array.of(1, 0, 65, 66), 1)).toThrow('can not be packed');
  expect(() => new Vocabulary(Uint8Array.of(255, 255), 1)).toThrow('can not be packed');
});
