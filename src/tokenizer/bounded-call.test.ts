import { expect, test } from 'vitest';
import { timeLimitMs, withinTime } from './bounded-call.js';

const late = (): Error => new Error('too late');

test('a call gives its result, and its own errors go through', () => {
  expect(withinTime(5000, () => ['same', 'realm'], late)).toEqual(['same', 'realm']);
  expect(() =>
    withinTime(
      5000,
      () => {
        throw new TypeError('mine');
      },
      late,
    ),
  ).toThrow(new TypeError('mine'));
});

test('loops and regular expressions without end are ended', () => {
  const endless = [
    () => {
      for (let i = 0; ; i++) if (i < 0) return;
    },
    () => /^(a+)+$/.test(`${'a'.repeat(60)}b`),
  ];
  for (const call of endless) expect(() => withinTime<unknown>(50, call, late)).toThrow('too late');
});

test('the limit grows with the text', () => {
  expect([timeLimitMs(0), timeLimitMs(1_000_000)]).toEqual([5_000, 10_000]);
});
