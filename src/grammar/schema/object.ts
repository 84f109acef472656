/**
 * Schemas of objects: listed members in their order, then others, where there may be any.
 */
import * as json from '../terms/json-text.js';
import { choice, repeat, separated, sequence, type Term, walk } from '../terms/terms.js';
import { OtherText, TextTree } from '../terms/tries.js';
import { inside, type Place, type Reading } from './place.js';
import { asList, fault, isSchema, type Schema } from './schema.js';

const TERMS_PER_MEMBER = 12;

type Member = { readonly isRequired: boolean; readonly term: Term };

/** @throws BAD_INPUT */
export function objectTerm(schema: Schema, place: Place, reading: Reading): Term {
  const names = namesOf(schema, place);
  // A name is a tree of its bytes; what leads to a member and past it comes to a dozen terms.
  for (const name of names) reading.meter.spend(TERMS_PER_MEMBER + name.length);
  const required = new Set(asList(schema['required'] ?? []).flat());
  const members = names.map((name) => memberOf(schema, name, required.has(name), place, reading));
  return json.object(inOrder(members, otherTerm(schema, names, place, reading)));
}

/** Of all members that are listed or required. @throws BAD_INPUT */
function namesOf({ properties = {}, required = [], propertyNames }: Schema, { path }: Place): string[] {
  if (!isSchema(properties)) throw fault(path, 'properties must be an object of schemas');
  if (!Array.isArray(required) || !required.every((name) => typeof name === 'string'))
    throw fault(path, 'required must be a list of names');
  const names = new Set([...Object.keys(properties), ...required]);
  if (propertyNames !== undefined && names.size > 0)
    throw fault(path, 'propertyNames beside properties or required is not supported');
  return [...names];
}

function memberOf(
  schema: Schema,
  name: string,
  isRequired: boolean,
  place: Place,
  { read }: Reading,
): Member {
  const { properties, additionalProperties } = schema;
  const isListed = isSchema(properties) && Object.hasOwn(properties, name);
  const value = read(
    isListed ? properties[name] : (additionalProperties ?? true),
    inside(place, 'properties', name),
  );
  return {
    isRequired,
    term: sequence(walk(TextTree.of([JSON.stringify(name)])), json.COLON, value),
  };
}

/** A member that is not listed; undefined where there may be none. */
function otherTerm(
  { additionalProperties, propertyNames }: Schema,
  names: readonly string[],
  place: Place,
  reading: Reading,
): Term | undefined {
  const others = additionalProperties ?? (names.length === 0 || undefined);
  if (others === undefined || others === false) return undefined;
  const key = keyTerm(names, propertyNames, place, reading);
  return sequence(key, json.COLON, reading.read(others, inside(place, 'additionalProperties')));
}

function keyTerm(names: readonly string[], propertyNames: unknown, place: Place, { read }: Reading): Term {
  if (propertyNames === undefined) return json.quoted(walk(new OtherText(TextTree.of(names))));
  if (!isSchema(propertyNames)) throw fault(place.path, 'propertyNames must be a schema of strings');
  return read({ type: 'string', ...propertyNames }, inside(place, 'propertyNames'));
}

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
