/**
 * Equality, order and membership as Python has them: lists and mappings by what they hold.
 */
import type { Budget } from './budget.js';
import { isList, itemsOf, kindOf } from './iteration.js';
import { isNumber, toNumber } from './numbers.js';
import { Dict, Range, Tuple, Undefined, type Value } from './value.js';

/** Costs a step a value. */
export function isEqual(one: Value, other: Value, budget: Budget): boolean {
  budget.step();
  if (one === other) return true;
  if (isNumber(one) && isNumber(other)) return compareNumbers(one, other) === 0;
  const [items, others] = [partsOf(one), partsOf(other)];
  if (items && others && isList(one) === isList(other)) return areEqual(items, others, budget);
  if (one instanceof Dict && other instanceof Dict) return areSame(one, other, budget);
  return one instanceof Undefined && other instanceof Undefined;
}

function areEqual(items: readonly Value[], others: readonly Value[], budget: Budget): boolean {
  if (items.length !== others.length) return false;
  return items.every((item, index) => isEqual(item, others[index] as Value, budget));
}

function areSame(one: Dict, other: Dict, budget: Budget): boolean {
  if (one.size !== other.size) return false;
  return one.entries().every(([key, value]) => {
    const found = other.get(key);
    return found !== undefined && isEqual(value, found, budget);
  });
}

/** Of a list or a tuple. */
function partsOf(value: Value): readonly Value[] | undefined {
  if (value instanceof Range) return undefined;
  return value instanceof Tuple ? value.items : isList(value) ? value : undefined;
}

/** @returns below 0 where the first comes first. @throws Error for values without an order */
export function compare(one: Value, other: Value, budget: Budget): number {
  budget.step();
  if (isNumber(one) && isNumber(other)) return compareNumbers(one, other);
  if (typeof one === 'string' && typeof other === 'string') return compareTexts(one, other);
  const [items, others] = [partsOf(one), partsOf(other)];
  if (items && others && isList(one) === isList(other)) return compareItems(items, others, budget);
  throw new Error(`${kindOf(one)} and ${kindOf(other)} have no order`);
}

function compareNumbers(one: Parameters<typeof toNumber>[0], other: Parameters<typeof toNumber>[0]): number {
  if (typeof one === 'bigint' && typeof other === 'bigint') return one < other ? -1 : Number(one > other);
  const [first, second] = [toNumber(one), toNumber(other)];
  // What is not a number equals nothing, itself included.
  return first < second ? -1 : first > second ? 1 : first === second ? 0 : NaN;
}

/** By code points; JavaScript goes by 16 bits. */
function compareTexts(one: string, other: string): number {
  if (one === other) return 0;
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  if (at > 0 && /[\ud800-\udbff]/.test(one[at - 1] ?? '')) at--;
  return (one.codePointAt(at) ?? -1) - (other.codePointAt(at) ?? -1);
}

function compareItems(items: readonly Value[], others: readonly Value[], budget: Budget): number {
  for (const [index, item] of items.entries()) {
    const other = others[index];
    if (other === undefined) return 1;
    if (!isEqual(item, other, budget)) return compare(item, other, budget);
  }
  return items.length - others.length;
}

/** Python's `item in value`. @throws Error for a value that holds nothing */
export function contains(value: Value, item: Value, budget: Budget): boolean {
  if (typeof value === 'string') {
    if (typeof item !== 'string') throw new Error(`${kindOf(item)} can not be in a text`);
    budget.read(value);
    return value.includes(item);
  }
  if (value instanceof Dict) return value.has(item);
  return itemsOf(value, budget).some((one) => isEqual(one, item, budget));
}
