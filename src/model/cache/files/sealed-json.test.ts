import { expect, test } from 'vitest';
import { openSealed, sealJson } from './sealed-json.js';

const VALUE = { times: [1.5, 250], name: 'ä "quoted"', nested: { isTrue: true, none: null } };

test('what was sealed is opened', () => {
  expect(openSealed(sealJson(VALUE))).toEqual(VALUE);
});

test('any flipped bit gives nothing, or the same value', () => {
  const bytes = Buffer.from(sealJson(VALUE));
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect([undefined, VALUE]).toContainEqual(openSealed(flipped.toString()));
  }
});

test.each(['', 'null', '{}', '{"kept":1}', '{"sum":"x"}', '[1'])('%j is nothing', (text) => {
  expect(openSealed(text)).toBeUndefined();
});
