/**
 * Values of keywords, each checked where it is read.
 */
import { fault, type Schema } from './schema.js';
import { askedOf, type Together } from './together.js';

/** Characters of a string, items of an array: so far is counted, whatever bound is given. */
const MAX_COUNT = 100_000;

/** minLength and maxLength, or those of items or properties; what all ask. @throws BAD_INPUT */
export function countsOf(
  parts: Together,
  what: 'Length' | 'Items' | 'Properties',
  path: string,
): readonly [min: number, max: number] {
  const all = (key: string): number[] => askedOf(parts, key).map(({ value }) => countValue(value, key, path));
  const min = Math.max(0, ...all(`min${what}`));
  const max = Math.min(Infinity, ...all(`max${what}`));
  if (min > MAX_COUNT) throw fault(path, `min${what} is above ${MAX_COUNT}, the limit`);
  return [min, max === Infinity ? max : Math.min(max, MAX_COUNT)];
}

export function countValue(value: unknown, key: string, path: string): number {
  if (value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number;
  throw fault(path, `${key} must be a whole number of at least 0`);
}

/** @throws BAD_INPUT */
export function numberValue(value: unknown, key: string, path: string): number {
  if (typeof value === 'number') return value;
  throw fault(path, `${key} must be a number`);
}

/** @throws BAD_INPUT */
export function textValue(value: unknown, key: string, path: string): string {
  if (typeof value === 'string') return value;
  throw fault(path, `${key} must be a text`);
}

/** Schemas by name; none where the keyword is not there. @throws BAD_INPUT */
export function schemasOf(schema: Schema, key: string, path: string): Readonly<Record<string, unknown>> {
  const value = schema[key] ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw fault(path, `${key} must be an object of schemas`);
}

/** @throws BAD_INPUT */
export function listValue(value: unknown, key: string, path: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value as unknown[];
  throw fault(path, `${key} must be a list of schemas`);
}

/** Names in `required`; a truth value there is a word of older drafts about the schema around it. @throws BAD_INPUT */
export function requiredOf({ required = [] }: Schema, path: string): readonly string[] {
  if (typeof required === 'boolean') return [];
  if (Array.isArray(required) && required.every((name) => typeof name === 'string')) return required;
  throw fault(path, 'required must be a list of names');
}
