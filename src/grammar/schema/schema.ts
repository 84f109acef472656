/**
 * JSON schemas as plain values: their keywords, what is left of one without those that say nothing, and what is wrong
 * with one. Pure.
 */
import { KvrError } from '../../core/errors.js';

export type Schema = Readonly<Record<string, unknown>>;

/** Keywords that say nothing about what is valid. */
const ANNOTATIONS = new Set([
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly'],
  ...['$schema', '$id', '$comment', '$defs', 'definitions', 'contentEncoding', 'contentMediaType'],
]);
/** By the type they are about. */
export const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
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

/** multipleOf 1 adds nothing where only integers are allowed. */
function isNeutral(key: string, value: unknown, schema: Schema): boolean {
  if (key === 'multipleOf' && schema['type'] !== 'integer') return false;
  return Object.hasOwn(NEUTRAL, key) && NEUTRAL[key] === value;
}

export function fault(path: string, message: string, cause?: unknown): KvrError {
  return new KvrError('BAD_INPUT', `${path.slice(0, 200)}: ${message}`, {}, cause);
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}
