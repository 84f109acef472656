import { expect, test } from 'vitest';
import { copyCodes, matchCode } from './codes.js';
import { BEGIN_ID, BYTES } from './layout.js';

const product = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const bytes = Array.from({ length: BYTES }, (_, byte) => byte);

test('all codes are signs', () => {
  for (const code of [...copyCodes(), ...bytes.map(matchCode), matchCode(BEGIN_ID)]) {
    expect([...code].every((sign) => Math.abs(sign) === 1)).toBe(true);
  }
});

/** The greatest product of two different codes. */
function likeness(codes: readonly Float32Array[]): number {
  const products = codes.flatMap((a, i) => codes.slice(0, i).map((b) => Math.abs(product(a, b))));
  return products.reduce((most, value) => Math.max(most, value));
}

test('match codes of two bytes differ in two of nine signs at least, begin differs from every byte', () => {
  const products = bytes.flatMap((a) => bytes.slice(0, a).map((b) => product(matchCode(a), matchCode(b))));
  expect(products.reduce((most, value) => Math.max(most, value))).toBe(9 - 2 * 2);
  expect(Math.max(...bytes.map((byte) => product(matchCode(byte), matchCode(BEGIN_ID))))).toBe(9 - 2);
});

test('copy codes of two tokens agree in at most two thirds of the signs, and in at least one third', () => {
  const codes = copyCodes();
  expect(codes).toHaveLength(BYTES + 1);
  expect(likeness(codes)).toBeLessThanOrEqual(12);
});
