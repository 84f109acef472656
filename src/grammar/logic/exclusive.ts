/**
 * Whether a value could satisfy two schemas at once, as far as their types, values, and properties tell.
 */
import type { SchemaDocument } from '../schema/document.js';
import { leastChars } from '../limits/value-size.js';
import { inside, type Place } from '../schema/place.js';
import { isSchema } from '../schema/schema.js';
import { askedOf, type Together } from '../schema/together.js';
import { askedTypes, allows, type JsonType, TYPES } from '../schema/types.js';
import { collect } from './collected.js';

/** True where no value can satisfy both. @param a, b undefined where no value satisfies the one. @throws BAD_INPUT */
export function areApart(
  document: SchemaDocument,
  a: Together | undefined,
  b: Together | undefined,
  place: Place,
): boolean {
  document.meter.spend(1);
  if (!a || !b) return true;
  if (areValuesApart(document, a, b) || areTypesApart(a, b, place)) return true;
  if (!isObject(a, place) || !isObject(b, place)) return false;
  return lacks(a, b) || lacks(b, a) || hasApart(document, a, b, place);
}

/** What is certainly asked, whatever choices are left. @throws BAD_INPUT */
export function askedFor(document: SchemaDocument, schema: unknown, place: Place): Together | undefined {
  return collect(document, schema, place)?.flat;
}

/** Their types alone tell. */
export function areTypesApart(a: Together, b: Together, { path }: Place): boolean {
  const [one, other] = [a, b].map((parts) => typesInCommon(parts, path));
  return TYPES.every((type) => !one?.includes(type) || !other?.includes(type));
}

function typesInCommon(parts: Together, path: string): readonly JsonType[] {
  const asked = parts.filter((part) => part['type'] !== undefined).map((part) => askedTypes(part, path));
  return TYPES.filter((type) => asked.every((types) => allows(types, type)));
}

function isObject(parts: Together, { path }: Place): boolean {
  return typesInCommon(parts, path).every((type) => type === 'object');
}

function areValuesApart({ meter }: SchemaDocument, a: Together, b: Together): boolean {
  const [one, other] = [a, b].map(valuesOf);
  if (!one || !other) return false;
  meter.spend(leastChars(one, meter.left) + leastChars(other, meter.left));
  const texts = new Set(one.map(inOrder));
  return !other.some((value) => texts.has(inOrder(value)));
}

function valuesOf(parts: Together): readonly unknown[] | undefined {
  const [constant] = askedOf(parts, 'const');
  const [listed] = askedOf(parts, 'enum');
  if (constant) return [constant.value];
  return Array.isArray(listed?.value) ? (listed.value as unknown[]) : undefined;
}

/** As text in which the keys of objects are in order. */
function inOrder(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isSchema(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

function requiredNames(parts: Together): readonly string[] {
  return parts.flatMap((part) => (Array.isArray(part['required']) ? part['required'].map(String) : []));
}

/** One is closed, and the other requires what is not in it. */
function lacks(closed: Together, other: Together): boolean {
  const required = requiredNames(other);
  return closed.some(
    ({ additionalProperties, patternProperties, properties = {} }) =>
      additionalProperties === false &&
      patternProperties === undefined &&
      required.some((name) => !Object.hasOwn(properties as object, name)),
  );
}

/** A property that both require is apart. */
function hasApart(document: SchemaDocument, a: Together, b: Together, place: Place): boolean {
  const [one, other] = [requiredNames(a), new Set(requiredNames(b))];
  document.meter.spend(one.length + other.size);
  const valueOf = (parts: Together, name: string): Together | undefined =>
    askedFor(document, valueIn(document, parts, name), inside(place));
  return one
    .filter((name) => other.has(name))
    .some((name) => areApart(document, valueOf(a, name), valueOf(b, name), inside(place)));
}

function valueIn(document: SchemaDocument, parts: Together, name: string): unknown {
  const listed = parts.flatMap(({ properties }) =>
    isSchema(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [],
  );
  return document.together(listed);
}
