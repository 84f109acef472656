import { expect, test } from 'vitest';
import { finite, listOf, objectOf, oneOf, orElse, orNull, pairOf, parseJson, text } from './shape.js';

const point = objectOf<{ x: number; name: string | null }>({ x: finite, name: orNull(text) });

test('an object keeps the fields that were asked for, and absent ones become null', () => {
  expect(point({ x: 1, other: 2 })).toEqual({ x: 1, name: null });
});

test('a wrong field, a list or a bare value is no such object', () => {
  for (const value of [{ x: '1' }, { x: NaN }, { x: 1, name: 5 }, [1], null, 'x', undefined])
    expect(point(value)).toBeUndefined();
});

test('inherited properties are not read', () => {
  expect(objectOf<{ constructor: unknown }>({ constructor: text })({})).toBeUndefined();
  expect(point(Object.create({ x: 1 }))).toBeUndefined();
});

test('lists are refused whole: too long, or with one wrong entry', () => {
  expect(listOf(finite, 2)([1, 2])).toEqual([1, 2]);
  expect(listOf(finite, 2)([1, 2, 3])).toBeUndefined();
  expect(listOf(finite, 9)([1, '2'])).toBeUndefined();
});

test('pairs have two entries', () => {
  expect(pairOf(finite)([0, 4])).toEqual([0, 4]);
  expect(pairOf(finite)([0])).toBeUndefined();
});

test('words are one of those listed', () => {
  expect(oneOf('a', 'b')('b')).toBe('b');
  expect(oneOf('a', 'b')('c')).toBeUndefined();
});

test('what is absent takes the value it was given instead, what is wrong does not', () => {
  expect(orElse(finite, 7)(undefined)).toBe(7);
  expect(orElse(finite, 7)('x')).toBeUndefined();
});

test('broken JSON is undefined', () => {
  expect(parseJson('{"x":1', point)).toBeUndefined();
  expect(parseJson('{"x":1}', point)).toEqual({ x: 1, name: null });
});
