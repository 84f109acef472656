import { expect, test } from 'vitest';
import { MAX_JSON_DEPTH, MAX_JSON_PARTS, MAX_JSON_VALUES } from '../requests/settings.js';
import { JsonScan } from './json-scan.js';

const scan = (...pieces: string[]): void => {
  const all = new JsonScan('the body');
  for (const piece of pieces) all.push(Buffer.from(piece));
};

test.each([
  ['brackets', '['.repeat(MAX_JSON_DEPTH + 1), /nested deeper/],
  ['lists beside each other', '[],'.repeat(MAX_JSON_PARTS + 1), /lists, objects and members/],
  ['members', '{'.concat('"a":1,'.repeat(MAX_JSON_PARTS)), /lists, objects and members/],
  ['numbers', '1,'.repeat(MAX_JSON_VALUES + 1), /values/],
])('too many %s are refused before they are parsed, wherever the pieces end', (_what, text, message) => {
  expect(() => scan(text)).toThrow(message);
  expect(() => scan(text.slice(0, 7), text.slice(7))).toThrow(message);
});

test('what stands in strings does not count, also where a piece ends in one', () => {
  const inside = `${'[,:{'.repeat(MAX_JSON_VALUES)}`;
  expect(() => scan('["\\', '"', inside, '\\\\", 1]')).not.toThrow();
  expect(() => scan('["\\\\"', '['.repeat(MAX_JSON_DEPTH))).toThrow(/nested deeper/);
});
