/**
 * JSON as a template's values.
 */
import { Dict, Undefined, type Value } from './value.js';

/** @param value JSON; what is `undefined` within an object is not there */
export function fromJson(value: unknown): Value {
  if (value === undefined) return new Undefined('value');
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value === 'object' && value !== null) return new Dict(entriesOf(value));
  return value as string | number | boolean | null;
}

function* entriesOf(object: object): Generator<readonly [Value, Value]> {
  for (const [key, value] of Object.entries(object)) if (value !== undefined) yield [key, fromJson(value)];
}
