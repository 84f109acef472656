/**
 * Numbers and texts in a given form: what `%05.2f` and `{:>8}` share.
 */
import type { Budget } from '../values/budget.js';
import { floatText, isFloat, isInt, isNumber, rounded, toNumber } from '../values/numbers.js';
import { str } from '../values/python-text.js';
import type { Value } from '../values/value.js';
import { padded } from './text-parts.js';

export type Form = {
  readonly fill: string;
  readonly align: '<' | '>' | '^' | '=' | undefined;
  readonly sign: '+' | ' ' | '-';
  readonly width: number;
  readonly isGrouped: boolean;
  readonly precision: number | undefined;
  /** d, f, s, x and so on; undefined where it follows from the value. */
  readonly kind: string | undefined;
};

/** More digits of a fraction than any float has. */
const MAX_PRECISION = 100;

/** @throws Error for a kind that is not for the value */
export function formatted(value: Value, form: Form, budget: Budget): string {
  const body = bodyOf(value, form, budget);
  const isNumeric = isNumber(value) && typeof value !== 'boolean' && form.kind !== 's';
  const align = form.align ?? (isNumeric ? '>' : '<');
  if (align !== '=') {
    const side = align === '<' ? 'left' : align === '>' ? 'right' : 'center';
    return padded(body, form.width, form.fill, side, budget);
  }
  const sign = /^[+\- ]/.exec(body)?.[0] ?? '';
  return sign + padded(body.slice(sign.length), form.width - sign.length, form.fill, 'right', budget);
}

function bodyOf(value: Value, form: Form, budget: Budget): string {
  const { kind, precision } = form;
  if (kind === undefined && !isNumber(value)) return cut(str(value, budget), precision);
  if (kind === 's' || (kind === undefined && typeof value === 'boolean'))
    return cut(str(value, budget), precision);
  if (!isNumber(value)) throw new Error(`a number is needed for the format "${kind ?? ''}"`);
  const number = toNumber(value);
  const isNegative = number < 0 || Object.is(number, -0);
  const digits = digitsOf(value, form);
  const sign = isNegative ? '-' : form.sign === '-' ? '' : form.sign;
  return sign + (form.isGrouped ? grouped(digits) : digits);
}

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : Array.from(text).slice(0, precision).join('');
}

/** Without a sign. */
function digitsOf(value: Value, { kind, precision = 6 }: Form): string {
  if (!isNumber(value)) return '';
  const places = Math.min(precision, MAX_PRECISION);
  const number = Math.abs(toNumber(value));
  switch (kind) {
    case undefined:
      return isFloat(value) ? floatText(number) : wholeOf(value).toString();
    case 'd':
    case 'i':
      return wholeOf(value).toString();
    case 'x':
      return wholeOf(value).toString(16);
    case 'X':
      return wholeOf(value).toString(16).toUpperCase();
    case 'o':
      return wholeOf(value).toString(8);
    case 'b':
      return wholeOf(value).toString(2);
    case 'f':
    case 'F':
      return fixed(number, places);
    case '%':
      return `${fixed(number * 100, places)}%`;
    case 'e':
      return number.toExponential(places).replace(/e([+-])(\d)$/, 'e$10$2');
    case 'g':
      return general(number, places);
    default:
      throw new Error(`the format "${kind.slice(0, 10)}" is not known`);
  }
}

function wholeOf(value: Value): bigint {
  const whole = isInt(value) ? BigInt(value) : BigInt(Math.trunc(isNumber(value) ? toNumber(value) : 0));
  return whole < 0n ? -whole : whole;
}

function fixed(number: number, places: number): string {
  return rounded(number, places).toFixed(places);
}

function general(number: number, places: number): string {
  const digits = Math.max(1, places);
  const exponent = number === 0 ? 0 : Number(number.toExponential(digits - 1).split('e')[1]);
  if (exponent >= -4 && exponent < digits) return String(Number(number.toPrecision(digits)));
  return number
    .toExponential(digits - 1)
    .replace(/\.?0*e/, 'e')
    .replace(/e([+-])(\d)$/, 'e$10$2');
}

function grouped(digits: string): string {
  const [whole = '', rest] = digits.split('.');
  const groups = whole.replace(/\B(?=(?:\d{3})+$)/g, ',');
  return rest === undefined ? groups : `${groups}.${rest}`;
}
