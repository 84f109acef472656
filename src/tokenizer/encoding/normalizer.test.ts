import { expect, test } from 'vitest';
import { normalizerOf } from './normalizer.js';

const ANGSTROM = 'A\u030a';

test.each<[json: { type: string; [key: string]: unknown }, text: string, expected: string]>([
  [{ type: 'NFC' }, ANGSTROM, '\u00c5'],
  [{ type: 'NFD' }, '\u00c5', ANGSTROM],
  [{ type: 'NFKC' }, 'ﬁ', 'fi'],
  [{ type: 'Lowercase' }, 'ΟΔΟΣ', 'οδοσ'],
  [{ type: 'StripAccents' }, ANGSTROM, 'A'],
  [{ type: 'Strip', strip_left: true, strip_right: true }, '\u0085 a\ufeff ', 'a\ufeff'],
  [{ type: 'Prepend', prepend: '▁' }, '', ''],
  [{ type: 'Prepend', prepend: '▁' }, 'a', '▁a'],
  [{ type: 'Replace', pattern: { String: '.' }, content: '$&' }, 'a.b', 'a$&b'],
  [{ type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }, 'a   b', 'a b'],
  [{ type: 'ByteLevel' }, 'é ', 'Ã©Ġ'],
])('%j makes of %j', (json, text, expected) => {
  expect(normalizerOf(json)?.(text)).toBe(expected);
});

test('a sequence is done in order, and one without steps is none', () => {
  const normalizers = [{ type: 'Lowercase' }, { type: 'Replace', pattern: { String: 'a' }, content: 'A' }];
  expect(normalizerOf({ type: 'Sequence', normalizers })?.('Aa')).toBe('AA');
  expect(normalizerOf({ type: 'Sequence', normalizers: [] })).toBeUndefined();
  expect(() => normalizerOf({ type: 'Nonsense' })).toThrow('Nonsense');
});
