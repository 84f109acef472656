/**
 * Arguments as the kinds that functions need.
 */
import { isTrue } from '../values/iteration.js';
import { toCount } from '../values/numbers.js';
import { Tuple, type Value } from '../values/value.js';

/** @throws Error for another value than a text */
export function textOf(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new Error('a text is needed');
}

export function optionalText(value: Value | undefined): string | undefined {
  return value === undefined || value === null ? undefined : textOf(value);
}

/** @throws Error for another value than a whole number */
export function countOf(value: Value | undefined, byDefault: number): number {
  return value === undefined || value === null ? byDefault : toCount(value);
}

export function flagOf(value: Value | undefined, byDefault = false): boolean {
  return value === undefined ? byDefault : isTrue(value);
}

/** A text, or a tuple of them. */
export function textsOf(value: Value | undefined): string[] {
  return value instanceof Tuple ? value.items.map(textOf) : [textOf(value)];
}
