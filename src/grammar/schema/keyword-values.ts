/**
 * Values of keywords, each checked where it is read.
 */
import { KvrError } from '../../core/errors.js';
import { fault, type Schema } from './schema.js';

/** Characters of a string, items of an array: so far is counted, whatever bound is given. */
const MAX_COUNT = 100_000;

/** minLength and maxLength, or minItems and maxItems. @throws BAD_INPUT */
export function countsOf(
  schema: Schema,
  what: 'Length' | 'Items',
  path: string,
): readonly [min: number, max: number] {
  const [min, max] = [countOf(schema, `min${what}`, 0, path), countOf(schema, `max${what}`, Infinity, path)];
  if (min > MAX_COUNT) throw fault(path, `min${what} is above ${MAX_COUNT}, the limit`);
  return [min, max === Infinity ? max : Math.min(max, MAX_COUNT)];
}

function countOf(schema: Schema, key: string, absent: number, path: string): number {
  const value = schema[key] ?? absent;
  if (value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number;
  throw fault(path, `${key} must be a whole number of at least 0`);
}

/** @throws BAD_INPUT */
export function numberOf(schema: Schema, key: string, path: string): number | undefined {
  const value = schema[key];
  if (value === undefined || typeof value === 'number') return value;
  throw fault(path, `${key} must be a number`);
}

/** @throws BAD_INPUT */
export function textOf(schema: Schema, key: string, path: string): string {
  const value = schema[key];
  if (typeof value === 'string') return value;
  throw fault(path, `${key} must be a text`);
}

/** Errors of what a value means, with the place. */
export function placed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KvrError)) throw error;
    const placedError = fault(path, error.message);
    throw new KvrError(placedError.code, placedError.message, error.fields, error);
  }
}
