/**
 * The few forms of DER (ITU-T X.690) that a certificate is written in. Writes only; OpenSSL reads. Pure.
 */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  identifier: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific, to which a number is added. */
  contextBytes: 0x80,
  /** Context-specific and constructed, to which a number is added. */
  context: 0xa0,
} as const;

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(TAG.sequence, ...parts);
export const setOf = (...parts: readonly Uint8Array[]): Buffer => element(TAG.set, ...parts);
export const octets = (bytes: Uint8Array): Buffer => element(TAG.octets, bytes);
export const utf8 = (text: string): Buffer => element(TAG.utf8, Buffer.from(text, 'utf8'));
export const yes = (): Buffer => element(TAG.boolean, Uint8Array.of(0xff));
/** An element under a number that its place gives a meaning. */
export const numbered = (number: number, part: Uint8Array): Buffer => element(TAG.context + number, part);
/** Bytes under a number that its place gives a meaning. */
export const numberedBytes = (number: number, bytes: Uint8Array): Buffer =>
  element(TAG.contextBytes + number, bytes);
/** Whole bytes; none of their bits are left over. */
export const bits = (bytes: Uint8Array, unused = 0): Buffer =>
  element(TAG.bits, Uint8Array.of(unused), bytes);
/** @param text as in 20200101000000Z */
export const time = (text: string): Buffer => element(TAG.time, Buffer.from(text, 'ascii'));

/** A number of one or more bytes, which is not negative. */
export function integer(bytes: Uint8Array): Buffer {
  const isNegative = (bytes[0] ?? 0) >= 0x80;
  return element(TAG.integer, ...(isNegative ? [Uint8Array.of(0)] : []), bytes);
}

/** @param text numbers between dots, as in 2.5.4.3 */
export function identifier(text: string): Buffer {
  const [first = 0, second = 0, ...others] = text.split('.').map(Number);
  return element(TAG.identifier, Uint8Array.from([40 * first + second, ...others.flatMap(base128)]));
}

function base128(number: number): number[] {
  const digits = [number & 0x7f];
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
  return digits;
}

function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag), lengthOf(body.byteLength), body]);
}

function lengthOf(bytes: number): Uint8Array {
  if (bytes < 0x80) return Uint8Array.of(bytes);
  if (bytes < 0x100) return Uint8Array.of(0x81, bytes);
  return Uint8Array.of(0x82, bytes >> 8, bytes & 0xff);
}
