/**
 * Schemas of objects: listed members in their order, then others, where there may be any.
 */
import { isValid, propertySchemas } from '../logic/validity.js';
import { countsOf, requiredOf, schemasOf } from '../schema/keyword-values.js';
import { inside, type Place } from '../schema/place.js';
import { isSchema, type Schema } from '../schema/schema.js';
import type { Together } from '../schema/together.js';
import * as json from '../terms/json-text.js';
import { sequence, type Term, walk } from '../terms/terms.js';
import { TextTree } from '../terms/tries.js';
import { type Member, membersTerm } from './members.js';
import { namesAllowed, otherMember } from './other-members.js';
import type { Reading } from './reading.js';

const TERMS_PER_MEMBER = 12;

/** @throws BAD_INPUT */
export function objectTerm(parts: Together, place: Place, reading: Reading): Term {
  const { meter } = reading.document;
  const required = requiredNames(parts, place, reading);
  const names = namesOf(parts, required, place, reading);
  // A name is a tree of its bytes; what leads to a member and past it comes to a dozen terms.
  for (const name of names) meter.spend(TERMS_PER_MEMBER + name.length);
  const members = names.map((name) => memberOf(parts, name, required.has(name), place, reading));
  const other = otherMember(parts, names, place, reading);
  const [min, max] = countsOf(parts, 'Properties', place.path);
  return json.object(membersTerm(members, other, { min, max, parts, path: place.path }, meter));
}

/** A name that is required where nothing of the kind may be is left out: whoever wrote it forgot to, or can not mean it. */
function requiredNames(parts: Together, place: Place, { document }: Reading): ReadonlySet<string> {
  const names = new Set<string>();
  for (const part of parts)
    for (const name of requiredOf(part, place.path)) {
      document.meter.spend(1);
      const isNowhere =
        part['additionalProperties'] === false && propertySchemas(document, part, name)[0] === false;
      const isListed = isSchema(part['properties']) && Object.hasOwn(part['properties'], name);
      if (isNowhere && !isListed) document.onLoosened(`${place.path}: required "${name.slice(0, 60)}"`);
      else names.add(name);
    }
  return names;
}

/** Of all members that are listed, in the order of the lists, and of those that are required. @throws BAD_INPUT */
function namesOf(
  parts: Together,
  required: ReadonlySet<string>,
  place: Place,
  { document }: Reading,
): string[] {
  const listed = parts.flatMap((part) => Object.keys(schemasOf(part, 'properties', place.path)));
  const allowed = parts.flatMap((part) => namesAllowed(document, part, place) ?? []);
  return [...new Set([...listed, ...required, ...allowed])];
}

function memberOf(
  parts: Together,
  name: string,
  isRequired: boolean,
  place: Place,
  { read, document }: Reading,
): Member {
  const schemas = parts.flatMap((part) => valueSchemas(part, name, place, document));
  const value = read(document.together(schemas), inside(place, 'properties', name));
  return { isRequired, term: sequence(walk(TextTree.of([JSON.stringify(name)])), json.COLON, value) };
}

type Document = Reading['document'];

/** @throws BAD_INPUT */
function valueSchemas(part: Schema, name: string, place: Place, document: Document): readonly unknown[] {
  const { propertyNames } = part;
  const isNamed =
    propertyNames === undefined || isValid(document, name, propertyNames, inside(place, 'propertyNames'));
  return isNamed ? propertySchemas(document, part, name) : [false];
}
