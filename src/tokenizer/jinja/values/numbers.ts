/**
 * Whole numbers of any size and floats, as Python computes with them and prints them.
 */
import { Float, type Value } from './value.js';

/** Larger whole numbers are not computed with: squared again and again, they would fill the memory. */
const MAX_INT_BITS = 4096n;
const MAX_INT = 1n << MAX_INT_BITS;

/** As Python, for which True is 1. */
export function isInt(value: Value): value is number | bigint | boolean {
  return typeof value === 'bigint' || typeof value === 'boolean' || Number.isInteger(value);
}

export function isFloat(value: Value): value is number | Float {
  return value instanceof Float || (typeof value === 'number' && !Number.isInteger(value));
}

export function isNumber(value: Value): value is number | bigint | boolean | Float {
  return isInt(value) || isFloat(value);
}

/** @throws Error for more than MAX_INT_BITS bits */
export function int(value: bigint): number | bigint {
  if (value > MAX_INT || value < -MAX_INT)
    throw new Error(`a number of more than ${MAX_INT_BITS} bits is not supported`);
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

export function float(value: number): number | Float {
  return Number.isInteger(value) ? new Float(value) : value;
}

export function toNumber(value: number | bigint | boolean | Float): number {
  return value instanceof Float ? value.value : Number(value);
}

/** A whole number that indexes, counts or sets a width. @throws Error for another value */
export function toCount(value: Value): number {
  if (isInt(value)) return Number(value);
  throw new Error('a whole number is needed');
}

/** As `repr` of a float. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const [mantissa = '', power = ''] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16)
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  const sign = mantissa.startsWith('-') || Object.is(value, -0) ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  return sign + (exponent < 0 ? `0.${'0'.repeat(-exponent - 1)}${digits}` : pointed(digits, exponent + 1));
}

function pointed(digits: string, whole: number): string {
  return `${digits.slice(0, whole).padEnd(whole, '0')}.${digits.slice(whole) || '0'}`;
}

/** As Python's round: to the even neighbour where both are as near. @param places of the fraction */
export function rounded(value: number, places: number): number {
  if (places < 0) return halfEven(value / 10 ** -places) * 10 ** -places;
  if (places === 0) return halfEven(value);
  if (places > 20 || Math.abs(value) >= 1e21) return value;
  const up = Number(value.toFixed(places));
  if (!isTie(value, places)) return up;
  const other = Number((up - Math.sign(value) * 10 ** -places).toFixed(places));
  return Number(up.toFixed(places).at(-1)) % 2 === 0 ? up : other;
}

function halfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** All digits behind the last place are a five and zeros. */
function isTie(value: number, places: number): boolean {
  return /^50*$/.test(
    Math.abs(value)
      .toFixed(places + 60)
      .slice(-60),
  );
}
