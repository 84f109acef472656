/**
 * Filters on single values: numbers, and what stands in for what is not there.
 */
import { computed, negated } from '../values/arithmetic.js';
import { isTrue, itemsOf } from '../values/iteration.js';
import { float, int, isInt, isNumber, rounded, toNumber } from '../values/numbers.js';
import { repr } from '../values/python-text.js';
import { type Call, Dict, orUndefined, Tuple, Undefined, type Value } from '../values/value.js';
import { countOf, flagOf, textOf } from './given.js';
import { memberAt, memberOf } from './members.js';
import { percentFormatted } from './text-format.js';
import { type Bound, type Builtin, builtin, type Runtime } from './runtime.js';

const byDefault = builtin('default_value boolean', (value, [given = '', alsoFalse]) =>
  value instanceof Undefined || (flagOf(alsoFalse) && !isTrue(value)) ? given : value,
);

export const VALUE_FILTERS: Readonly<Record<string, Builtin>> = {
  default: byDefault,
  d: byDefault,
  abs: builtin('', (value) => {
    if (!isNumber(value)) throw new Error('a number is needed');
    return toNumber(value) < 0 ? negated(value) : isInt(value) ? int(BigInt(value)) : value;
  }),
  int: builtin('default base', (value, [other = 0, base]) => wholeOf(value, countOf(base, 10)) ?? other),
  float: builtin('default', (value, [other = float(0)]) => {
    const number = isNumber(value)
      ? toNumber(value)
      : typeof value === 'string'
        ? parsedFloat(value)
        : undefined;
    return number === undefined ? other : float(number);
  }),
  round: builtin('precision method', round),
  sum: builtin('attribute start', (value, [attribute, start = 0], runtime) =>
    itemsOf(value, runtime.budget)
      .map((item) => (attribute === undefined || attribute === null ? item : memberAt(item, attribute, runtime)))
      .reduce((total, item) => computed('+', total, item, runtime.budget), start),
  ), // prettier-ignore
  attr: builtin('name', (value, [name], runtime) => {
    const path = textOf(name);
    // Unlike a point, it looks at attributes alone, and keys of a mapping are none.
    const found =
      value instanceof Dict ? memberOf(new Dict(), path, runtime) : memberOf(value, path, runtime);
    return orUndefined(found, path);
  }),
  pprint: builtin('', (value, _args, { budget }) => repr(ordered(value), budget)),
};

/** `format` takes any arguments. */
export function formatFilter(value: Value, { args, named }: Call, { budget }: Runtime): Value {
  return percentFormatted(textOf(value), named.size > 0 ? new Dict(named) : new Tuple(args), budget);
}

/** Whole numbers stay what they are; rounded up or down, they become floats, as in Python. */
function round(value: Value, [precision, method = 'common']: Bound): Value {
  if (!isNumber(value)) throw new Error('a number is needed');
  const places = countOf(precision, 0);
  if (method === 'common') {
    if (!isInt(value)) return float(rounded(toNumber(value), places));
    return places >= 0 ? int(BigInt(value)) : rounded(Number(value), places);
  }
  if (method !== 'ceil' && method !== 'floor') throw new Error('round goes by common, ceil or floor');
  return float(Math[method](toNumber(value) * 10 ** places) / 10 ** places);
}

/** @returns undefined where the value is no number */
function wholeOf(value: Value, base: number): Value | undefined {
  if (isInt(value)) return int(BigInt(value));
  if (isNumber(value))
    return Number.isFinite(toNumber(value)) ? int(BigInt(Math.trunc(toNumber(value)))) : undefined;
  if (typeof value !== 'string') return undefined;
  return parsedInt(value.trim(), base) ?? truncated(parsedFloat(value));
}

const PREFIXES: Readonly<Record<number, RegExp>> = { 16: /^0x/i, 8: /^0o/i, 2: /^0b/i };

function parsedInt(text: string, base: number): Value | undefined {
  const sign = text.startsWith('-') ? -1n : 1n;
  const digits = text.replace(/^[+-]/, '').replace(PREFIXES[base] ?? /^(?!)/, '').replace(/(?<=\w)_(?=\w)/g, ''); // prettier-ignore
  const known = '0123456789abcdefghijklmnopqrstuvwxyz'.slice(0, Math.min(36, Math.max(2, base)));
  if (digits === '' || !Array.from(digits.toLowerCase()).every((digit) => known.includes(digit)))
    return undefined;
  if (base === 10) return int(sign * BigInt(digits));
  return int(sign * BigInt(parseInt(digits, base)));
}

function parsedFloat(text: string): number | undefined {
  const trimmed = text.trim();
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : undefined;
}

function truncated(number: number | undefined): Value | undefined {
  return number === undefined || !Number.isFinite(number) ? undefined : int(BigInt(Math.trunc(number)));
}

/** Keys in order, as Python's pprint shows them. */
function ordered(value: Value): Value {
  if (!(value instanceof Dict)) return value;
  return new Dict(value.entries().toSorted(([one], [other]) => (keyText(one) < keyText(other) ? -1 : 1)));
}

function keyText(key: Value): string {
  return typeof key === 'string' ? key : '';
}
