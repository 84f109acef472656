/**
 * The opposite of a schema, as a schema: what `not`, `oneOf`, `if` and `else` are made of. Where only a part of the opposite can be
 * written as one it is that part: fewer values, all of them right. Pure, but for what it counts.
 */
import type { SchemaDocument } from '../schema/document.js';
import { askedTypes, allows, TYPES } from '../schema/types.js';
import { inside, type Place } from '../schema/place.js';
import {
  asList,
  fault,
  isSchema,
  IS_NO_LIST,
  NOT_PATTERN,
  REFERENCES,
  type Schema,
} from '../schema/schema.js';
import { otherValues } from './other-values.js';

type Rule = (
  value: unknown,
  schema: Schema,
  negate: (schema: unknown) => unknown,
) => readonly unknown[] | undefined;

export function negated(document: SchemaDocument, schema: unknown, place: Place): unknown {
  if (typeof schema === 'boolean') return !schema;
  if (!isSchema(schema)) throw fault(place.path, 'a schema must be an object, true or false');
  document.follow(place, schema);
  const negate = (one: unknown): unknown => negated(document, one, inside(place));
  const options: unknown[] = [];
  let isWhole = true;
  for (const [keyword, rule] of Object.entries(RULES)) {
    if (schema[keyword] === undefined) continue;
    const found = rule(schema[keyword], schema, negate)?.filter((one) => one !== undefined);
    document.meter.spend(1 + (found?.length ?? 0));
    if (found) options.push(...found);
    else isWhole = false;
  }
  const targets = REFERENCES.some((key) => key in schema) ? document.targetsOf(schema, place) : [];
  options.push(...targets.map(negate).filter((one) => one !== undefined));
  isWhole &&= targets.length === 0;
  return options.length > 0 ? { anyOf: options } : isWhole ? false : undefined;
}

const numeric = (keyword: string, value: unknown): Schema => ({ type: 'number', [keyword]: value });
const object = (more: Schema): Schema => ({ type: 'object', ...more });
const array = (more: Schema): Schema => ({ type: 'array', ...more });
/** Objects of which one property is as the schema says; nothing is said about which others there are. */
const having = (name: string, value: unknown): Schema =>
  object({ properties: { [name]: value }, [IS_NO_LIST]: true });

/** By keyword, the values that do not do as it says; undefined where they can not be written. */
const RULES: Readonly<Record<string, Rule>> = {
  type: (_type, schema) => {
    const types = askedTypes(schema, '#');
    // Numbers that are no integers can not be told from others.
    const others = TYPES.filter(
      (one) => !allows(types, one) && !(one === 'number' && types.includes('integer')),
    );
    return others.length > 0 ? [{ type: others }] : undefined;
  },
  const: (value) => otherValues([value]),
  enum: (values) => otherValues(asList(values)),
  required: (names) => asList(names).map((name) => having(String(name), false)),
  properties: (properties, _schema, negate) =>
    Object.entries(isSchema(properties) ? properties : {}).flatMap(([name, value]) => {
      const other = negate(value);
      return other === undefined || other === false ? [] : [{ ...having(name, other), required: [name] }];
    }),
  minProperties: (count) => [object({ maxProperties: Number(count) - 1 })].filter(() => Number(count) > 0),
  maxProperties: (count) => [object({ minProperties: Number(count) + 1 })],
  additionalProperties: (value) => (value === true ? [] : undefined),
  patternProperties: () => undefined,
  propertyNames: () => undefined,
  unevaluatedProperties: () => undefined,
  minLength: (count) => [{ type: 'string', maxLength: Number(count) - 1 }].filter(() => Number(count) > 0),
  maxLength: (count) => [{ type: 'string', minLength: Number(count) + 1 }],
  pattern: (pattern) => [{ type: 'string', [NOT_PATTERN]: pattern }],
  minimum: (bound, { exclusiveMinimum }) => [
    numeric(exclusiveMinimum === true ? 'maximum' : 'exclusiveMaximum', bound),
  ],
  maximum: (bound, { exclusiveMaximum }) => [
    numeric(exclusiveMaximum === true ? 'minimum' : 'exclusiveMinimum', bound),
  ],
  exclusiveMinimum: (bound) => (typeof bound === 'number' ? [numeric('maximum', bound)] : []),
  exclusiveMaximum: (bound) => (typeof bound === 'number' ? [numeric('minimum', bound)] : []),
  multipleOf: () => undefined,
  minItems: (count) => [array({ maxItems: Number(count) - 1 })].filter(() => Number(count) > 0),
  maxItems: (count) => [array({ minItems: Number(count) + 1 })],
  items: (items, { prefixItems }, negate) => {
    if (Array.isArray(items) || prefixItems !== undefined) return undefined;
    const other = negate(items);
    return other === undefined ? undefined : other === false ? [] : [array({ contains: other })];
  },
  prefixItems: () => undefined,
  contains: (one, { minContains }, negate) => {
    const other = negate(one);
    return other === undefined || minContains !== undefined ? undefined : [array({ items: other })];
  },
  uniqueItems: (isAsked) => (isAsked === true ? undefined : []),
  allOf: (all, _schema, negate) => asList(all).map(negate),
  anyOf: (options, _schema, negate) => noneOf(options, negate),
  oneOf: (options, _schema, negate) => noneOf(options, negate),
  not: (schema) => [schema],
  if: (condition, { then = true, else: otherwise = true }, negate) => {
    const [notThen, notIf, notElse] = [negate(then), negate(condition), negate(otherwise)];
    return [
      ...(notThen === undefined ? [] : [{ allOf: [condition, notThen] }]),
      ...(notElse === undefined || notIf === undefined ? [] : [{ allOf: [notIf, notElse] }]),
    ];
  },
  dependentRequired: (names) =>
    Object.entries(isSchema(names) ? names : {}).flatMap(([name, others]) =>
      asList(others).map((other) => ({
        allOf: [object({ required: [name] }), having(String(other), false)],
      })),
    ),
  dependentSchemas: () => undefined,
  dependencies: () => undefined,
};

function noneOf(options: unknown, negate: (schema: unknown) => unknown): readonly unknown[] | undefined {
  const all = asList(options).map(negate);
  return all.includes(undefined) ? undefined : [{ allOf: all }];
}
