/**
 * JSON schemas as plain values: their keywords, references, and what two of them ask together. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { KvrError } from '../core/errors.js';

export type Schema = Readonly<Record<string, unknown>>;

export const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
export type JsonType = (typeof TYPES)[number];

/** Keywords that say nothing about what is valid. */
const ANNOTATIONS = new Set([
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$schema', '$id', '$comment', '$defs', 'definitions', 'contentEncoding', 'contentMediaType'],
]);
/** By the type they are about. */
export const KEYWORDS: Readonly<Partial<Record<JsonType, readonly string[]>>> = {
  object: ['properties', 'required', 'additionalProperties', 'propertyNames'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
};
const KNOWN = new Set([
  ...Object.values(KEYWORDS).flat(),
  ...['$ref', 'allOf', 'anyOf', 'oneOf', 'type', 'enum', 'const'],
]);
/** Values of other keywords that ask for nothing. */
const NEUTRAL: Readonly<Record<string, unknown>> = { uniqueItems: false, minProperties: 0, multipleOf: 1 };

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A schema without what says nothing. @throws BAD_INPUT for a keyword that is not known */
export function ofMeaning(schema: Schema, path: string): Schema {
  const entries = Object.entries(schema).filter(
    ([key, value]) => !ANNOTATIONS.has(key) && !key.startsWith('x-') && !isNeutral(key, value, schema),
  );
  const unknown = entries.find(([key]) => !KNOWN.has(key));
  if (unknown) throw fault(path, `the keyword "${unknown[0].slice(0, 60)}" is not supported; leave it out`);
  return Object.fromEntries(entries);
}

/** A step of 1 asks for nothing of integers alone. */
function isNeutral(key: string, value: unknown, schema: Schema): boolean {
  if (key === 'multipleOf' && schema['type'] !== 'integer') return false;
  return Object.hasOwn(NEUTRAL, key) && NEUTRAL[key] === value;
}

export function fault(path: string, message: string): KvrError {
  return new KvrError('BAD_INPUT', `${path.slice(0, 200)}: ${message}`);
}

/** What a JSON pointer of the same document names. @throws BAD_INPUT */
export function resolve(root: unknown, pointer: unknown, path: string): unknown {
  if (typeof pointer !== 'string' || !/^#(\/|$)/.test(pointer))
    throw fault(path, '$ref must begin with "#/": only the schema itself can be referred to');
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => decode(key, path));
  return keys.reduce<unknown>((at, key) => {
    const inner =
      typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Schema)[key] : undefined;
    if (inner === undefined) throw fault(path, `$ref "${pointer.slice(0, 100)}" names nothing`);
    return inner;
  }, root);
}

function decode(key: string, path: string): string {
  try {
    return decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch (error) {
    throw new KvrError('BAD_INPUT', `${path.slice(0, 200)}: $ref is not well coded`, {}, error);
  }
}

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

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

/** True where no value can satisfy both, as far as their types and constants tell. */
export function areApart(a: Schema, b: Schema): boolean {
  const [valuesA, valuesB] = [valuesOf(a), valuesOf(b)];
  if (valuesA && valuesB)
    return !valuesA.some((one) => valuesB.some((other) => isDeepStrictEqual(one, other)));
  if (a['type'] !== undefined && b['type'] !== undefined && !haveTypeInCommon(a, b)) return true;
  return sharedRequired(a, b).some(([one, other]) => areApart(one, other));
}

function valuesOf(schema: Schema): readonly unknown[] | undefined {
  if ('const' in schema) return [schema['const']];
  return Array.isArray(schema['enum']) ? (schema['enum'] as unknown[]) : undefined;
}

function haveTypeInCommon(a: Schema, b: Schema): boolean {
  const broad = (one: Schema): unknown[] =>
    asList(one['type']).map((type) => (type === 'integer' ? 'number' : type));
  return broad(a).some((type) => broad(b).includes(type));
}

/** Schemas of properties that objects of both must have. */
function sharedRequired(a: Schema, b: Schema): [Schema, Schema][] {
  if (a['type'] !== 'object' || b['type'] !== 'object') return [];
  const required = asList(a['required']).filter((name) => asList(b['required']).includes(name));
  return required.flatMap((name): [Schema, Schema][] => {
    const [one, other] = [a, b].map(({ properties }) =>
      isSchema(properties) && typeof name === 'string' && Object.hasOwn(properties, name)
        ? properties[name]
        : {},
    );
    return isSchema(one) && isSchema(other) ? [[one, other]] : [];
  });
}
