import { isUtf8 } from 'node:buffer';
import { expect, test } from 'vitest';
import { decodeUtf8, firstBadByte } from './utf8.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('text comes through as it is, line ends included', () => {
  const text = 'a\r\nb\u0000 ü 漢 🙂\n';
  expect(decodeUtf8(Buffer.from(text), 'x')).toBe(text);
});

test('a byte order mark is dropped', () => {
  expect(decodeUtf8(Buffer.from('\ufeffa'), 'x')).toBe('a');
});

test.each([
  ['a lone continuation byte', bytes(0x61, 0x80, 0x61), 1],
  ['Latin-1', Buffer.from('schön', 'latin1'), 3],
  ['UTF-16 with its mark', Buffer.from('\ufeffab', 'utf16le'), 0],
  ['a character cut off at the end', Buffer.from('ab漢').subarray(0, 4), 2],
  ['an overlong slash', bytes(0x61, 0xc0, 0xaf), 1],
  ['half a surrogate pair', bytes(0xed, 0xa0, 0x80), 0],
  ['a value above U+10FFFF', bytes(0x61, 0x62, 0xf4, 0x90, 0x80, 0x80), 2],
  ['a bad byte behind a byte order mark', bytes(0xef, 0xbb, 0xbf, 0xff), 3],
])('%s is refused with the offset', (_what, input, offset) => {
  expect(firstBadByte(input)).toBe(offset);
  expect(() => decodeUtf8(input, 'notes.txt')).toThrow(
    new RegExp(`^notes.txt is not UTF-8: byte 0x.. at offset ${offset} `),
  );
});

test('the offset is where the longest valid beginning ends, whatever the bytes', () => {
  let state = 12345;
  const random = (below: number): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % below;
  for (let round = 0; round < 300; round++) {
    const input = Buffer.concat(Array.from({ length: 12 }, () => Buffer.from('aü漢🙂'[random(4)] ?? 'a')));
    for (let flips = random(3); flips > 0; flips--) input[random(input.length)] = random(256);
    let longest = input.length;
    while (!isUtf8(input.subarray(0, longest))) longest--;
    expect(firstBadByte(input)).toBe(longest);
  }
});
