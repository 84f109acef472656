import { expect, test } from 'vitest';
import type { AddedTokenJson } from '../files/tokenizer-json.js';
import { AddedTokens } from './added-tokens.js';
import type { Normalizer } from './normalizer.js';

const token = (id: number, content: string, flags: Partial<AddedTokenJson> = {}): AddedTokenJson => ({
  ...{ id, content, special: false, single_word: false, lstrip: false, rstrip: false, normalized: false },
  ...flags,
});
/** Ids, and the texts between them; "^" marks what begins where the text does. */
function parts(tokens: AddedTokenJson[], text: string, normalizer?: Normalizer): (string | number)[] {
  const found = new AddedTokens(tokens, normalizer).partsOf(text);
  return found.map((part) => (part.kind === 'token' ? part.id : (part.atStart ? '^' : '') + part.text));
}

test('the longest token at the first place is found', () => {
  const tokens = [token(1, 'ab'), token(2, 'abc'), token(3, 'bcd')];
  expect(parts(tokens, 'xabcdab')).toEqual(['^x', 2, 'd', 1]);
});

test('white space beside a token belongs to it where it says so', () => {
  expect(parts([token(1, '<m>', { lstrip: true })], 'a \n<m> b')).toEqual(['^a', 1, ' b']);
  expect(parts([token(1, '<m>', { rstrip: true })], 'a <m>\u0085\n b')).toEqual(['^a ', 1, 'b']);
  // U+FEFF is no white space.
  expect(parts([token(1, '<m>', { rstrip: true })], '<m>\ufeff')).toEqual([1, '\ufeff']);
});

test('a token of white space within what another took along is not there any more', () => {
  const tokens = [token(1, '<m>', { rstrip: true }), token(2, '  ', { lstrip: true })];
  expect(parts(tokens, '<m>  x')).toEqual([1, 'x']);
});

test('a single word stands alone, whatever the script of its neighbours', () => {
  const tokens = [token(1, 'cat', { single_word: true })];
  expect(parts(tokens, 'cat concat cat, caté 日cat cat')).toEqual([
    1,
    '^ concat '.slice(1),
    1,
    ', caté 日cat ',
    1,
  ]);
});

test('normalized tokens are found in the normalized text, others in the text as it is', () => {
  const lower: Normalizer = (text) => text.toLowerCase();
  const tokens = [token(1, '[A]'), token(2, '[B]', { normalized: true })];
  expect(parts(tokens, '[A][a][B]X[b]', lower)).toEqual([1, '[a]', 2, 'x', 2]);
  expect([...new AddedTokens(tokens, lower).normalForms]).toEqual([[2, '[b]']]);
});
