/**
 * What a value holds, item by item, and what counts as true.
 */
import type { Budget } from './budget.js';
import { characterCount, characters } from './code-points.js';
import { isNumber, toNumber } from './numbers.js';
import { Dict, Members, Range, Tuple, Undefined, type Value } from './value.js';

/** What a loop goes over: characters of a text, keys of a mapping. @throws Error for a value that holds nothing */
export function itemsOf(value: Value, budget: Budget): readonly Value[] {
  const items = heldBy(value);
  if (items === undefined) throw new Error(`${kindOf(value)} can not be gone over`);
  budget.step(items.length);
  return items;
}

export function isIterable(value: Value): boolean {
  return typeof value === 'string' || isList(value) || value instanceof Dict || isMade(value);
}

function heldBy(value: Value): readonly Value[] | undefined {
  if (isList(value)) return value;
  if (typeof value === 'string') return characters(value);
  if (value instanceof Tuple) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Range) return value.items();
  return value instanceof Undefined ? [] : undefined;
}

function isMade(value: Value): boolean {
  return value instanceof Tuple || value instanceof Range || value instanceof Undefined;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** @throws Error for a value that has no length */
export function lengthOf(value: Value): number {
  if (typeof value === 'string') return characterCount(value);
  if (isList(value) || value instanceof Range) return value.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Undefined) return 0;
  throw new Error(`${kindOf(value)} has no length`);
}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (isNumber(value)) return toNumber(value) !== 0;
  return isIterable(value) ? lengthOf(value) > 0 : true;
}

/** In words, for messages. */
export function kindOf(value: Value): string {
  if (value instanceof Undefined) return `"${value.name.slice(0, 60)}", which is undefined,`;
  if (value === null) return 'none';
  if (typeof value === 'string') return 'a text';
  if (isNumber(value)) return typeof value === 'boolean' ? 'a boolean' : 'a number';
  if (value instanceof Dict) return 'a mapping';
  if (value instanceof Members) return 'an object';
  return isIterable(value) ? 'a list' : 'a function';
}
