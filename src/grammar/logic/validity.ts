/**
 * Whether a value that is there is valid: for values that a schema lists beside other keywords, and for names.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SchemaDocument } from '../schema/document.js';
import { inside, type Place } from '../schema/place.js';
import { asList, isSchema, NOT_PATTERN, NOT_TEXTS, type Schema } from '../schema/schema.js';
import { askedTypes, isOfType } from '../schema/types.js';

/** Asks whether an inner value is valid against an inner schema. */
type Inner = (value: unknown, schema: unknown) => boolean;
type Check = (asked: unknown, value: unknown, context: Context) => boolean;
type Context = { readonly schema: Schema; readonly inner: Inner; readonly document: SchemaDocument };

/** Of formats nothing is asked: whoever lists values knows them. @throws BAD_INPUT */
export function isValid(document: SchemaDocument, value: unknown, schema: unknown, place: Place): boolean {
  if (typeof schema === 'boolean') return schema;
  if (!isSchema(schema)) return true;
  document.follow(place, schema);
  const inner: Inner = (one, other) => isValid(document, one, other, inside(place));
  if (schema['type'] !== undefined && !askedTypes(schema, place.path).some((one) => isOfType(value, one)))
    return false;
  if (!document.targetsOf(schema, place).every((target) => inner(value, target))) return false;
  const context: Context = { schema, inner, document };
  const keys = Reflect.ownKeys(schema).filter((key) => CHECKS.has(key));
  return keys.every((key) => CHECKS.get(key)?.(schema[key], value, context) ?? true);
}

const forText =
  (check: (asked: unknown, text: string, context: Context) => boolean): Check =>
  (asked, value, context) =>
    typeof value !== 'string' || check(asked, value, context);
const forNumber =
  (check: (asked: unknown, value: number, schema: Schema) => boolean): Check =>
  (asked, value, { schema }) =>
    typeof value !== 'number' || check(asked, value, schema);
const forList =
  (check: (asked: unknown, items: readonly unknown[], context: Context) => boolean): Check =>
  (asked, value, context) =>
    !Array.isArray(value) || check(asked, value as unknown[], context);
const forObject =
  (check: (asked: unknown, value: Schema, context: Context) => boolean): Check =>
  (asked, value, context) =>
    !isSchema(value) || check(asked, value, context);

const CHECKS = new Map<string | symbol, Check>([
  ['const', (asked, value) => isDeepStrictEqual(asked, value)],
  ['enum', (asked, value) => asList(asked).some((one) => isDeepStrictEqual(one, value))],
  ['allOf', (all, value, { inner }) => asList(all).every((one) => inner(value, one))],
  ['anyOf', (all, value, { inner }) => asList(all).some((one) => inner(value, one))],
  ['oneOf', (all, value, { inner }) => asList(all).filter((one) => inner(value, one)).length === 1],
  ['not', (one, value, { inner }) => !inner(value, one)],
  ['if', (condition, value, { inner, schema }) => inner(value, schema[inner(value, condition) ? 'then' : 'else'] ?? true)],
  ['minLength', forText((min, text) => [...text].length >= Number(min))],
  ['maxLength', forText((max, text) => [...text].length <= Number(max))],
  ['pattern', forText((pattern, text, { document }) => document.matches(pattern, text))],
  [NOT_PATTERN, forText((pattern, text, { document }) => !document.matches(pattern, text))],
  [NOT_TEXTS, forText((texts, text) => !asList(texts).includes(text))],
  ['minimum', forNumber((min, value, { exclusiveMinimum }) => (exclusiveMinimum === true ? value > Number(min) : value >= Number(min)))],
  ['maximum', forNumber((max, value, { exclusiveMaximum }) => (exclusiveMaximum === true ? value < Number(max) : value <= Number(max)))],
  ['exclusiveMinimum', forNumber((min, value) => typeof min !== 'number' || value > min)],
  ['exclusiveMaximum', forNumber((max, value) => typeof max !== 'number' || value < max)],
  ['multipleOf', forNumber((step, value) => Number.isInteger(value / Number(step)))],
  ['minItems', forList((min, items) => items.length >= Number(min))],
  ['maxItems', forList((max, items) => items.length <= Number(max))],
  ['prefixItems', forList((schemas, items, { inner }) => asList(schemas).every((one, at) => at >= items.length || inner(items[at], one)))],
  ['items', forList(areItemsValid)],
  ['contains', forList((one, items, { inner, schema: { minContains = 1 } }) => items.filter((item) => inner(item, one)).length >= Number(minContains))],
  ['uniqueItems', forList((isAsked, items) => isAsked !== true || new Set(items.map((one) => JSON.stringify(one))).size === items.length)],
  ['required', forObject((names, value) => names === true || asList(names).every((name) => Object.hasOwn(value, String(name))))],
  ['minProperties', forObject((min, value) => Object.keys(value).length >= Number(min))],
  ['maxProperties', forObject((max, value) => Object.keys(value).length <= Number(max))],
  ['propertyNames', forObject((names, value, { inner }) => Object.keys(value).every((name) => inner(name, names)))],
  ['properties', forObject((_asked, value, context) => arePropertiesValid(value, context))],
  ['patternProperties', forObject((_asked, value, context) => arePropertiesValid(value, context))],
  ['additionalProperties', forObject((_asked, value, context) => arePropertiesValid(value, context))],
  ['dependentRequired', forObject((names, value) => Object.entries(names as Schema).every(([name, others]) => !Object.hasOwn(value, name) || asList(others).every((other) => Object.hasOwn(value, String(other)))))],
  ['dependentSchemas', forObject((schemas, value, { inner }) => Object.entries(schemas as Schema).every(([name, one]) => !Object.hasOwn(value, name) || inner(value, one)))],
]); // prettier-ignore

function areItemsValid(asked: unknown, items: readonly unknown[], { inner, schema }: Context): boolean {
  const { prefixItems = [], additionalItems = true } = schema;
  if (Array.isArray(asked))
    return items.every((item, at) => inner(item, at < asked.length ? asked[at] : additionalItems));
  return items.slice(asList(prefixItems).length).every((item) => inner(item, asked));
}

function arePropertiesValid(value: Schema, { schema, inner, document }: Context): boolean {
  return Object.entries(value).every(([name, one]) =>
    propertySchemas(document, schema, name).every((asked) => inner(one, asked)),
  );
}

/** What one schema asks of the value of a name. @throws BAD_INPUT */
export function propertySchemas(document: SchemaDocument, schema: Schema, name: string): readonly unknown[] {
  const { properties, patternProperties, additionalProperties = true } = schema;
  const listed = isSchema(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [];
  const matching = Object.entries(isSchema(patternProperties) ? patternProperties : {})
    .filter(([pattern]) => document.matches(pattern, name))
    .map(([, one]) => one);
  const found = [...listed, ...matching];
  return found.length > 0 ? found : [additionalProperties];
}
