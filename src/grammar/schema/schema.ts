/**
 * JSON schemas as plain values: their keywords, and what is wrong with one. Pure.
 */
import { KvrError } from '../../core/errors.js';

export type Schema = Readonly<Record<string | symbol, unknown>>;

/** What no schema of JSON can say, and schemas that were made of a `not` do. */
export const NOT_PATTERN = Symbol('a pattern that must not match');
export const NOT_TEXTS = Symbol('texts that a string must not be');
/** Its properties only say how their values must be: they are no list of what an object has. */
export const IS_NO_LIST = Symbol('properties that list nothing');

/** By the type they are about. */
export const KEYWORDS: Readonly<Record<string, readonly (string | symbol)[]>> = {
  object: [
    ...['properties', 'patternProperties', 'required', 'additionalProperties', 'propertyNames'],
    ...['minProperties', 'maxProperties', 'unevaluatedProperties'],
  ],
  array: [
    ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'minItems', 'maxItems'],
    ...['uniqueItems', 'contains', 'minContains', 'maxContains'],
  ],
  string: ['minLength', 'maxLength', 'pattern', 'format', NOT_PATTERN, NOT_TEXTS],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
};
/** Schemas in a schema that hold for the same value. */
export const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'];
export const CHOICES = [
  ...['anyOf', 'oneOf', 'not', 'if', 'dependentRequired', 'dependentSchemas', 'dependencies'],
] as const;
export type ChoiceKeyword = (typeof CHOICES)[number];

/** All others only annotate, whoever made them up. */
const OF_VALUES: readonly (string | symbol)[] = [
  ...Object.values(KEYWORDS).flat(),
  ...['type', 'enum', 'const'],
];
const OF_MEANING: readonly (string | symbol)[] = [...OF_VALUES, ...REFERENCES, 'allOf', ...CHOICES];

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Says something about values by itself, and not only by the schemas in it. */
export function saysOfValues(schema: Schema): boolean {
  return OF_VALUES.some((key) => Object.hasOwn(schema, key));
}

/** The only keyword that says something about values; undefined where there are several, or none. */
export function onlyKeyword(schema: Schema): string | symbol | undefined {
  const [first, second] = OF_MEANING.filter((key) => Object.hasOwn(schema, key));
  return second === undefined ? first : undefined;
}

export function fault(path: string, message: string, cause?: unknown): KvrError {
  return new KvrError('BAD_INPUT', `${path.slice(0, 200)}: ${message}`, {}, cause);
}

/** The keyword of a schema that answers can not be held to. */
export type Unheld = { readonly schema: Schema; readonly keyword: string | symbol; readonly path: string };
const unheld = new WeakMap<Error, Unheld>();

/** A fault of a keyword that could be left out instead. */
export function unheldFault(what: Unheld, message: string, cause?: unknown): KvrError {
  const error = fault(what.path, `${message} (with strict: false it is left out)`, cause);
  unheld.set(error, what);
  return error;
}

/** @returns undefined for errors about what can not be left out */
export function unheldOf(error: unknown): Unheld | undefined {
  return error instanceof Error ? unheld.get(error) : undefined;
}

/** Errors of what a keyword asks, with its place. Limits on the whole stay what they are. */
export function held<T>(what: Unheld, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KvrError) || error.fields['budget'] !== undefined || unheldOf(error)) throw error;
    throw unheldFault(what, error.message, error);
  }
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}
