/**
 * Two schemas as one that asks what both ask. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { asList, fault, isSchema, type Schema } from './schema.js';

/** One schema that asks what both ask. @throws BAD_INPUT where that can not be written as one */
export function merge(a: Schema, b: Schema, path: string): Schema {
  const merged: Record<string, unknown> = Object.fromEntries(Object.entries(a));
  const isClosed = [a, b].some(
    (one) => 'additionalProperties' in one && one['additionalProperties'] !== true,
  );
  if (isClosed && 'properties' in a && 'properties' in b)
    throw fault(path, 'properties of allOf parts can not be joined beside additionalProperties');
  for (const [key, value] of Object.entries(b)) {
    const own = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (own === undefined || isDeepStrictEqual(own, value)) define(merged, key, value);
    else define(merged, key, join(key, own, value, path));
  }
  return merged;
}

/** A name like __proto__ is a key like any other. */
function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function join(key: string, a: unknown, b: unknown, path: string): unknown {
  if (key === 'required') return [...new Set([...asList(a), ...asList(b)])];
  if (key === 'properties' && isSchema(a) && isSchema(b)) return joinProperties(a, b);
  if (key === 'type') return asList(a).filter((one) => asList(b).includes(one));
  if (typeof a === 'number' && typeof b === 'number') {
    if (/^(min|exclusiveMin)/.test(key)) return Math.max(a, b);
    if (/^(max|exclusiveMax)/.test(key)) return Math.min(a, b);
  }
  throw fault(path, `"${key}" is given twice with different values`);
}

function joinProperties(a: Schema, b: Schema): Schema {
  const joined: object = {};
  for (const [key, value] of Object.entries(a)) define(joined, key, value);
  for (const [key, value] of Object.entries(b))
    define(joined, key, Object.hasOwn(a, key) ? { allOf: [a[key], value] } : value);
  return joined as Schema;
}
