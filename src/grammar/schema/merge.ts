/**
 * Two schemas as one that asks what both ask. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Meter } from '../limits/meter.js';
import { leastChars } from '../limits/value-size.js';
import { asList, fault, isSchema, type Schema } from './schema.js';

/** One schema that asks what both ask. @throws BAD_INPUT where that can not be written as one */
export function merge(a: Schema, b: Schema, path: string, meter: Meter): Schema {
  meter.spend(Object.keys(a).length + Object.keys(b).length);
  const merged: Record<string, unknown> = Object.fromEntries(Object.entries(a));
  const isClosed = [a, b].some(
    (one) => 'additionalProperties' in one && one['additionalProperties'] !== true,
  );
  if (isClosed && 'properties' in a && 'properties' in b)
    throw fault(path, 'properties of allOf parts can not be joined beside additionalProperties');
  for (const [key, value] of Object.entries(b)) {
    const own = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (own === undefined || own === value) define(merged, key, value);
    else define(merged, key, joined(key, own, value, path, meter));
  }
  return merged;
}

/** A name like __proto__ is a key like any other. */
function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function joined(key: string, a: unknown, b: unknown, path: string, meter: Meter): unknown {
  // To compare and to join both go over all there is.
  meter.spend(leastChars(a, meter.left) + leastChars(b, meter.left));
  return isDeepStrictEqual(a, b) ? b : join(key, a, b, path);
}

function join(key: string, a: unknown, b: unknown, path: string): unknown {
  if (key === 'required') return [...new Set([...asList(a), ...asList(b)])];
  if (key === 'properties' && isSchema(a) && isSchema(b)) return joinProperties(a, b);
  if (key === 'type') return typesOfBoth(asList(a), new Set(asList(b)));
  if (typeof a === 'number' && typeof b === 'number') {
    if (/^(min|exclusiveMin)/.test(key)) return Math.max(a, b);
    if (/^(max|exclusiveMax)/.test(key)) return Math.min(a, b);
  }
  throw fault(path, `"${key}" is given twice with different values`);
}

function typesOfBoth(a: readonly unknown[], b: ReadonlySet<unknown>): unknown[] {
  return a.filter((one) => b.has(one));
}

function joinProperties(a: Schema, b: Schema): Schema {
  const joined: object = {};
  for (const [key, value] of Object.entries(a)) define(joined, key, value);
  for (const [key, value] of Object.entries(b))
    define(joined, key, Object.hasOwn(a, key) ? { allOf: [a[key], value] } : value);
  return joined as Schema;
}
