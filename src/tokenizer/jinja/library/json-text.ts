/**
 * JSON as Python's json.dumps writes it.
 */
import type { Budget } from '../values/budget.js';
import { compare } from '../values/comparison.js';
import { isList } from '../values/iteration.js';
import { floatText, isFloat, isInt, toNumber } from '../values/numbers.js';
import { Dict, Tuple, type Value } from '../values/value.js';

export type JsonForm = {
  readonly isAscii: boolean;
  /** What a level is set in by; undefined where all stands in one line. */
  readonly indent: string | undefined;
  readonly between: string;
  readonly behindKey: string;
  readonly isSorted: boolean;
};

/** @throws Error for a value that JSON has no form for */
export function jsonText(value: Value, form: JsonForm, budget: Budget, level = 0): string {
  budget.step();
  if (typeof value === 'string') return jsonString(value, form, budget);
  if (value === null || typeof value === 'boolean') return String(value);
  if (isInt(value)) return String(value);
  if (isFloat(value)) return floatText(toNumber(value)).replace('inf', 'Infinity').replace('nan', 'NaN');
  const inner = (part: Value): string => jsonText(part, form, budget, level + 1);
  if (value instanceof Dict) {
    const parts = entriesOf(value, form, budget).map(([key, one]) => key + form.behindKey + inner(one));
    return `{${setIn(parts, form, level, budget)}}`;
  }
  const items = value instanceof Tuple ? value.items : isList(value) ? value : undefined;
  if (!items) throw new Error('a value can not be written as JSON');
  return `[${setIn(items.map(inner), form, level, budget)}]`;
}

function jsonString(text: string, { isAscii }: JsonForm, budget: Budget): string {
  budget.make(text.length);
  const json = JSON.stringify(text);
  return isAscii
    ? json.replace(/[^\0-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json;
}

function entriesOf(dict: Dict, form: JsonForm, budget: Budget): (readonly [string, Value])[] {
  const entries = dict.entries();
  if (form.isSorted) entries.sort(([one], [other]) => compare(one, other, budget));
  return entries.map(([key, value]) => [jsonString(keyText(key), form, budget), value]);
}

function keyText(key: Value): string {
  if (typeof key === 'string') return key;
  if (key === null || typeof key === 'boolean' || isInt(key)) return String(key);
  if (isFloat(key)) return floatText(toNumber(key));
  throw new Error('a key can not be written as JSON');
}

function setIn(parts: readonly string[], form: JsonForm, level: number, budget: Budget): string {
  if (parts.length === 0) return '';
  if (form.indent === undefined) return parts.join(form.between);
  budget.make(form.indent.length * (level + 1) * (parts.length + 1));
  const line = `\n${form.indent.repeat(level + 1)}`;
  return `${line}${parts.join(form.between + line)}\n${form.indent.repeat(level)}`;
}
