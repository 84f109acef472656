/**
 * Items and slices of texts, lists and mappings: `value[key]` and `value[start:stop:step]`.
 */
import type { Budget } from './budget.js';
import { characters } from './code-points.js';
import { isList } from './iteration.js';
import { isInt, toCount } from './numbers.js';
import { Dict, Range, Tuple, Undefined, type Value } from './value.js';

/** @returns undefined where there is none */
export function itemAt(value: Value, key: Value, budget: Budget): Value | undefined {
  if (value instanceof Dict) return isList(key) || key instanceof Dict ? undefined : value.get(key);
  if (!isInt(key)) return undefined;
  const index = Number(key);
  if (value instanceof Range) return value.has(index) ? value.at(index) : undefined;
  if (typeof value === 'string') budget.read(value);
  return sequenceOf(value)?.at(index);
}

/** @throws Error for a value that has no order, or a step of 0 */
export function sliced(
  value: Value,
  [start, stop, step]: readonly (Value | undefined)[],
  budget: Budget,
): Value {
  const items = sequenceOf(value);
  if (!items) throw new Error('only texts and lists can be sliced');
  const part = stepped(items, countOf(start), countOf(stop), countOf(step) ?? 1);
  budget.step(part.length);
  if (typeof value === 'string') return part.map(String).join('');
  return value instanceof Tuple ? new Tuple(part) : part;
}

function countOf(value: Value | undefined): number | undefined {
  return value === undefined || value === null || value instanceof Undefined ? undefined : toCount(value);
}

function sequenceOf(value: Value): readonly Value[] | undefined {
  if (typeof value === 'string') return characters(value);
  if (value instanceof Tuple) return value.items;
  return value instanceof Range ? value.items() : isList(value) ? value : undefined;
}

function stepped(
  items: readonly Value[],
  start: number | undefined,
  stop: number | undefined,
  step: number,
): Value[] {
  if (step === 0) throw new Error('a slice can not have a step of 0');
  const [least, most] = step > 0 ? [0, items.length] : [-1, items.length - 1];
  const clamp = (at: number): number => Math.min(most, Math.max(least, at < 0 ? at + items.length : at));
  const first = start === undefined ? (step > 0 ? 0 : most) : clamp(start);
  const end = stop === undefined ? (step > 0 ? most : -1) : clamp(stop);
  const count = Math.max(0, Math.ceil((end - first) / step));
  return Array.from({ length: count }, (_, index) => items[first + index * step] as Value);
}
