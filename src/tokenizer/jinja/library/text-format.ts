/**
 * `'%s is %d' % values` and `'{} is {n:>4}'.format(values)`.
 */
import type { Budget } from '../values/budget.js';
import { itemAt } from '../values/access.js';
import { toCount } from '../values/numbers.js';
import { repr, str } from '../values/python-text.js';
import { type Call, Dict, Members, Tuple, Undefined, type Value } from '../values/value.js';
import { type Form, formatted } from './number-format.js';

const PERCENT = /%(?:\(([^)]*)\))?([-+ 0#]*)(\d+|\*)?(?:\.(\d+))?[hlL]?([^])/g;

/** @param values a tuple, a mapping, or one value. @throws Error where they are too few or too many */
export function percentFormatted(text: string, values: Value, budget: Budget): string {
  const queue = values instanceof Tuple ? [...values.items] : [values];
  const made = text.replace(
    PERCENT,
    (_, name?: string, flags: string = '', width?: string, precision?: string, kind: string = '') => {
      if (kind === '%') return '%';
      const wide = width === '*' ? toCount(taken(queue)) : Number(width ?? 0);
      const value = name === undefined ? taken(queue) : named(values, name);
      if (kind === 'r') return padded(repr(value, budget), flags, wide, budget);
      return formatted(value, percentForm(flags, wide, precision, kind), budget);
    },
  );
  if (queue.length > 0 && !(values instanceof Dict))
    throw new Error('not all values were used by the format');
  budget.make(made.length);
  return made;
}

function padded(text: string, flags: string, width: number, budget: Budget): string {
  return formatted(text, percentForm(flags, width, undefined, 's'), budget);
}

function percentForm(flags: string, width: number, precision: string | undefined, kind: string): Form {
  const isZero = flags.includes('0') && kind !== 's' && !flags.includes('-');
  return {
    fill: isZero ? '0' : ' ',
    align: flags.includes('-') ? '<' : isZero ? '=' : '>',
    sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-',
    width,
    isGrouped: false,
    precision: precision === undefined ? undefined : Number(precision),
    kind: kind === 'i' ? 'd' : kind,
  };
}

function taken(queue: Value[]): Value {
  const value = queue.shift();
  if (value === undefined) throw new Error('the format has too few values');
  return value;
}

function named(values: Value, name: string): Value {
  const value = values instanceof Dict ? values.get(name) : undefined;
  if (value === undefined) throw new Error(`the format has no value "${name.slice(0, 40)}"`);
  return value;
}

const FIELD = /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::([^{}]*))?\}|[{}]/g;
const SPEC = /^(?:([^])?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u;

/** @throws Error for a field that names no value, or a form that is none */
export function braceFormatted(text: string, call: Call, budget: Budget): string {
  let next = 0;
  const made = text.replace(FIELD, (whole, name?: string, conversion?: string, spec: string = '') => {
    if (whole === '{{' || whole === '}}') return whole[0] as string;
    if (name === undefined) throw new Error('a single brace in a format');
    const value = fieldOf(
      name.replace(/^(?=$|[.[])/, () => String(next++)),
      call,
      budget,
    );
    const shown =
      conversion === undefined ? value : conversion === 's' ? str(value, budget) : repr(value, budget);
    return formatted(shown, braceForm(spec), budget);
  });
  budget.make(made.length);
  return made;
}

function fieldOf(name: string, { args, named: byName }: Call, budget: Budget): Value {
  const [first = '', ...rest] = name.split(/[.[]/).map((part) => part.replace(/\]$/, ''));
  let value = /^\d+$/.test(first) ? args[Number(first)] : byName.get(first);
  for (const part of rest) {
    const key = /^\d+$/.test(part) ? Number(part) : part;
    value = value instanceof Members ? value.member(part) : itemAt(value ?? null, key, budget);
  }
  if (value === undefined || value instanceof Undefined)
    throw new Error(`the format has no value "${name.slice(0, 40)}"`);
  return value;
}

function braceForm(spec: string): Form {
  const match = SPEC.exec(spec);
  if (!match) throw new Error(`the format "${spec.slice(0, 20)}" is not known`);
  const [, fill, align, sign, , zero, width, group, precision, kind] = match;
  return {
    fill: fill ?? (zero === undefined ? ' ' : '0'),
    align: (align ?? (zero === undefined ? undefined : '=')) as Form['align'],
    sign: (sign ?? '-') as Form['sign'],
    width: Number(width ?? 0),
    isGrouped: group !== undefined,
    precision: precision === undefined ? undefined : Number(precision),
    kind,
  };
}
