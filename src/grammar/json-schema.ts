/**
 * JSON schema → terms. Every text that matches is valid against the schema; what is not supported is refused by name,
 * never ignored. Some valid texts are left out: properties come in the order they are listed in, and beside listed
 * ones others only where additionalProperties says so.
 */
import { KvrError } from '../core/errors.js';
import { type Bounds, boundedNumber } from './bounded-number.js';
import { ANY_CHARACTER } from './characters.js';
import { FORMATS } from './formats.js';
import * as json from './json-text.js';
import { patternTerm } from './pattern.js';
import * as parts from './schema-parts.js';
import { areApart, asList, fault, isSchema, type JsonType, KEYWORDS, type Schema } from './schema-parts.js';
import { choice, IMPOSSIBLE, later, repeat, separated, sequence, type Term, walk } from './terms.js';
import { OtherText, TextTree } from './tries.js';

export const MAX_SCHEMA_CHARS = 100_000;
export const MAX_SCHEMA_DEPTH = 64;
/** Schemas that one comes to, each reference with something beside it counted anew. */
const MAX_SCHEMAS = 20_000;
/** Characters of a string, items of an array: so far is counted, whatever bound is given. */
const MAX_COUNT = 100_000;

/** @throws BAD_INPUT naming the place and what is wrong with it */
export function schemaTerm(schema: unknown): Term {
  return new SchemaReader(schema).read(schema, '#', 0);
}

class SchemaReader {
  readonly #root: unknown;
  readonly #references = new Map<unknown, Term>();
  #count = 0;

  constructor(root: unknown) {
    this.#root = root;
  }

  read(schema: unknown, path: string, depth: number): Term {
    if (schema === true) return json.ANY_VALUE;
    if (schema === false) return IMPOSSIBLE;
    if (!isSchema(schema)) throw fault(path, 'a schema must be an object, true or false');
    if (depth > MAX_SCHEMA_DEPTH)
      throw fault(path, `the schema is deeper than ${MAX_SCHEMA_DEPTH}; flatten it`);
    if (++this.#count > MAX_SCHEMAS) throw fault(path, `the schema comes to more than ${MAX_SCHEMAS} parts`);
    return this.#readKnown(parts.ofMeaning(schema, path), path, depth);
  }

  #readKnown(schema: Schema, path: string, depth: number): Term {
    if ('$ref' in schema) return this.#readReference(schema, path, depth);
    if ('allOf' in schema) return this.#readAll(schema, path, depth);
    if ('anyOf' in schema || 'oneOf' in schema) return this.#readAny(schema, path, depth);
    if ('const' in schema || 'enum' in schema) return readValues(schema, path);
    const types = typesOf(schema, path);
    if (!types) return json.ANY_VALUE;
    return choice(...types.map((type) => this.#readType(type, schema, path, depth)));
  }

  #readReference({ $ref: pointer, ...rest }: Schema, path: string, depth: number): Term {
    const target = parts.resolve(this.#root, pointer, path);
    if (Object.keys(rest).length > 0) return this.#readAll({ allOf: [rest, target] }, path, depth);
    const known = this.#references.get(pointer);
    if (known) return known;
    let made: Term = IMPOSSIBLE;
    const reference = later(() => made);
    this.#references.set(pointer, reference);
    made = this.read(target, String(pointer), depth + 1);
    return reference;
  }

  #readAll({ allOf, ...rest }: Schema, path: string, depth: number): Term {
    if (!Array.isArray(allOf) || allOf.length === 0) throw fault(path, 'allOf must be a list of schemas');
    const all = allOf.map((one) => this.#plain(one, path, depth));
    const merged = all.reduce((before, one) => parts.merge(before, one, path), rest);
    return this.read(merged, path, depth + 1);
  }

  #readAny(schema: Schema, path: string, depth: number): Term {
    const { anyOf, oneOf, ...rest } = schema;
    if (anyOf !== undefined && oneOf !== undefined) throw fault(path, 'anyOf beside oneOf is not supported');
    const options = anyOf ?? oneOf;
    if (!Array.isArray(options) || options.length === 0)
      throw fault(path, 'anyOf and oneOf must be lists of schemas');
    if (oneOf !== undefined) this.#requireApart(options, path, depth);
    const isBare = Object.keys(rest).length === 0;
    const terms = options.map((option: unknown, index) => {
      const whole = isBare ? option : parts.merge(rest, this.#plain(option, path, depth), path);
      return this.read(whole, `${path}/${anyOf ? 'anyOf' : 'oneOf'}/${index}`, depth + 1);
    });
    return choice(...terms);
  }

  /** Where more than one of them could hold, a text for one of them may not do. */
  #requireApart(options: readonly unknown[], path: string, depth: number): void {
    const plain = options.map((option) => this.#plain(option, path, depth));
    const overlaps = plain.some((one, index) =>
      plain.slice(index + 1).some((other) => !areApart(one, other)),
    );
    if (overlaps)
      throw fault(path, 'options of oneOf may overlap; tell them apart by a constant, or use anyOf');
  }

  /** A schema as an object with its references followed. */
  #plain(schema: unknown, path: string, depth: number): Schema {
    if (schema === true) return {};
    if (!isSchema(schema)) throw fault(path, 'allOf, anyOf and oneOf take objects here');
    if (depth > MAX_SCHEMA_DEPTH || ++this.#count > MAX_SCHEMAS)
      throw fault(path, 'the schema refers to itself without end');
    const own = parts.ofMeaning(schema, path);
    if (!('$ref' in own)) return own;
    const { $ref: pointer, ...rest } = own;
    const target = this.#plain(parts.resolve(this.#root, pointer, path), path, depth + 1);
    return parts.merge(rest, target, path);
  }

  #readType(type: JsonType, schema: Schema, path: string, depth: number): Term {
    switch (type) {
      case 'object':
        return this.#readObject(schema, path, depth);
      case 'array':
        return this.#readArray(schema, path, depth);
      case 'string':
        return json.quoted(readString(schema, path));
      case 'number':
      case 'integer':
        return readNumber(schema, path, type === 'integer');
      case 'boolean':
        return json.BOOLEAN;
      case 'null':
        return json.NULL;
    }
  }

  #readObject(schema: Schema, path: string, depth: number): Term {
    const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
    if (!isSchema(properties)) throw fault(path, 'properties must be an object of schemas');
    if (!Array.isArray(required) || !required.every((name) => typeof name === 'string'))
      throw fault(path, 'required must be a list of names');
    const listed = Object.keys(properties);
    const names = [...listed, ...required.filter((name) => !listed.includes(name))];
    const others = additionalProperties ?? (names.length === 0 || undefined);
    if (propertyNames !== undefined && names.length > 0)
      throw fault(path, 'propertyNames beside properties or required is not supported');
    const members = [...new Set(names)].map((name) => ({
      isRequired: required.includes(name),
      term: sequence(
        walk(TextTree.of([JSON.stringify(name)])),
        json.COLON,
        this.read(
          listed.includes(name) ? properties[name] : (additionalProperties ?? true),
          `${path}/properties/${name}`,
          depth + 1,
        ),
      ),
    }));
    const other =
      others === undefined || others === false
        ? undefined
        : sequence(
            this.#keyTerm(names, propertyNames, path, depth),
            json.COLON,
            this.read(others, `${path}/additionalProperties`, depth + 1),
          );
    return json.object(inOrder(members, other));
  }

  #keyTerm(names: readonly string[], propertyNames: unknown, path: string, depth: number): Term {
    if (propertyNames === undefined) return json.quoted(walk(new OtherText(TextTree.of(names))));
    if (!isSchema(propertyNames)) throw fault(path, 'propertyNames must be a schema of strings');
    return this.read({ type: 'string', ...propertyNames }, `${path}/propertyNames`, depth + 1);
  }

  #readArray(schema: Schema, path: string, depth: number): Term {
    const { items, prefixItems } = schema;
    const tuple = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
    if (prefixItems !== undefined && !Array.isArray(prefixItems))
      throw fault(path, 'prefixItems must be a list');
    const [min, max] = counts(schema, 'Items', path);
    const first = tuple.map((one: unknown, index) =>
      this.read(one, `${path}/prefixItems/${index}`, depth + 1),
    );
    const isOpen = !Array.isArray(items) && items !== false && (tuple.length === 0 || items !== undefined);
    const rest = isOpen ? this.read(items ?? true, `${path}/items`, depth + 1) : IMPOSSIBLE;
    if (first.length === 0) return json.array(separated(rest, json.COMMA, min, max));
    return json.array(tupleTerm(first, rest, min, max));
  }
}

type Member = { readonly isRequired: boolean; readonly term: Term };

/** Members in their order, then any number of others. */
function inOrder(members: readonly Member[], other: Term | undefined): Term {
  let later = other ? repeat(sequence(json.COMMA, other)) : sequence();
  let first = other ? separated(other, json.COMMA, 0, Infinity) : sequence();
  for (const { isRequired, term } of [...members].reverse()) {
    const [asLater, asFirst] = [sequence(json.COMMA, term, later), sequence(term, later)];
    first = isRequired ? asFirst : choice(asFirst, first);
    later = isRequired ? asLater : choice(asLater, later);
  }
  return first;
}

function tupleTerm(first: readonly Term[], rest: Term, min: number, max: number): Term {
  const count = first.length;
  const more = max - count;
  let tail = more > 0 ? repeat(sequence(json.COMMA, rest), Math.max(0, min - count), more) : sequence();
  if (max < count) tail = sequence();
  for (let index = Math.min(count, max) - 1; index >= 0; index--) {
    const term = index === 0 ? (first[0] as Term) : sequence(json.COMMA, first[index] as Term);
    const whole = sequence(term, tail);
    tail = index >= min ? choice(whole, sequence()) : whole;
  }
  return tail;
}

function readValues(schema: Schema, path: string): Term {
  const { const: constant, enum: values = [constant], type, ...others } = schema;
  const [beside] = Object.keys(others);
  if (beside !== undefined)
    throw fault(path, `"${beside}" beside enum or const is not supported; leave it out`);
  if (!Array.isArray(values)) throw fault(path, 'enum must be a list');
  const all =
    'const' in schema && 'enum' in schema
      ? values.filter((value) => JSON.stringify(value) === JSON.stringify(constant))
      : values;
  const types = type === undefined ? undefined : typesOf(schema, path);
  const fitting = all.filter((value: unknown) => !types || types.some((one) => isOfType(value, one)));
  return fitting.length === 0
    ? IMPOSSIBLE
    : walk(TextTree.of(fitting.map((value: unknown) => JSON.stringify(value))));
}

function isOfType(value: unknown, type: JsonType): boolean {
  if (value === null) return type === 'null';
  if (Array.isArray(value)) return type === 'array';
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

/** The types that are asked for, else those that the keywords are about; undefined where any will do. */
function typesOf(schema: Schema, path: string): readonly JsonType[] | undefined {
  const { type } = schema;
  if (type === undefined) {
    const about = parts.TYPES.filter((one) => KEYWORDS[one]?.some((key) => key in schema));
    return about.length > 0 ? about : undefined;
  }
  const types = asList(type);
  const unknown = types.find((one) => !(parts.TYPES as readonly unknown[]).includes(one));
  if (unknown !== undefined) throw fault(path, `type must be of ${parts.TYPES.join(', ')}`);
  // Every integer is a number: both together would be two readings of one text.
  return parts.TYPES.filter((one) => types.includes(one) && !(one === 'integer' && types.includes('number')));
}

function readString(schema: Schema, path: string): Term {
  const { pattern, format } = schema;
  const [min, max] = counts(schema, 'Length', path);
  const given = [pattern !== undefined, format !== undefined, min > 0 || max < Infinity].filter(Boolean);
  if (given.length > 1)
    throw fault(
      path,
      'of pattern, format and lengths only one is supported; put the length into the pattern',
    );
  if (pattern !== undefined) return placed(path, () => patternTerm(requireText(pattern, 'pattern', path)));
  if (format === undefined) return repeat(ANY_CHARACTER, min, max);
  const name = requireText(format, 'format', path);
  const known = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (known === undefined)
    throw fault(
      path,
      `the format "${name.slice(0, 40)}" is not supported; known are ${Object.keys(FORMATS).join(', ')}`,
    );
  return patternTerm(known);
}

function readNumber(schema: Schema, path: string, isInteger: boolean): Term {
  const [min, max] = [bound(schema, 'minimum', path), bound(schema, 'maximum', path)];
  const exclusiveMin = bound(schema, 'exclusiveMinimum', path);
  const exclusiveMax = bound(schema, 'exclusiveMaximum', path);
  const bounds: Bounds = { min, max, exclusiveMin, exclusiveMax };
  if (Object.values(bounds).every((one) => one === undefined)) return isInteger ? json.INTEGER : json.NUMBER;
  const walker = placed(path, () => boundedNumber(bounds, isInteger));
  return walker ? walk(walker) : IMPOSSIBLE;
}

function bound(schema: Schema, key: string, path: string): number | undefined {
  const value = schema[key];
  if (value === undefined || typeof value === 'number') return value;
  throw fault(path, `${key} must be a number`);
}

/** minLength and maxLength, or minItems and maxItems. */
function counts(schema: Schema, what: 'Length' | 'Items', path: string): readonly [min: number, max: number] {
  const read = (key: string, absent: number): number => {
    const value = schema[key] ?? absent;
    if (value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number;
    throw fault(path, `${key} must be a whole number of at least 0`);
  };
  const [min, max] = [read(`min${what}`, 0), read(`max${what}`, Infinity)];
  if (min > MAX_COUNT) throw fault(path, `min${what} is above ${MAX_COUNT}, the limit`);
  return [min, max === Infinity ? max : Math.min(max, MAX_COUNT)];
}

function requireText(value: unknown, key: string, path: string): string {
  if (typeof value === 'string') return value;
  throw fault(path, `${key} must be a text`);
}

/** Errors of a part, with the place. */
function placed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof KvrError ? fault(path, error.message) : error;
  }
}
