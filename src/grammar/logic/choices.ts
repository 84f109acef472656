/**
 * The ways in which a keyword can hold: schemas of which one at least must, and none of which allows what the keyword does not.
 */
import type { SchemaDocument } from '../schema/document.js';
import { listValue, schemasOf } from '../schema/keyword-values.js';
import { inside } from '../schema/place.js';
import { asList, held, IS_NO_LIST, type Schema, unheldFault } from '../schema/schema.js';
import type { Choice } from './collected.js';
import { areApart, askedFor } from './exclusive.js';
import { negated } from './negation.js';

/** @throws BAD_INPUT */
export function waysOf(document: SchemaDocument, choice: Choice): readonly unknown[] {
  const { schema, keyword, place } = choice;
  const { path } = place;
  switch (keyword) {
    case 'anyOf':
      return listValue(schema[keyword], keyword, path);
    case 'oneOf':
      return waysOfOne(document, choice, listValue(schema[keyword], keyword, path));
    case 'not':
      return [opposite(document, choice, schema[keyword])];
    case 'if':
      return waysOfCondition(document, choice);
    case 'dependentRequired':
    case 'dependentSchemas':
    case 'dependencies':
      return [{ allOf: Object.entries(schemasOf(schema, keyword, path)).map(dependency) }];
  }
}

/** Each without what another one allows too. */
function waysOfOne(
  document: SchemaDocument,
  choice: Choice,
  options: readonly unknown[],
): readonly unknown[] {
  const place = inside(choice.place);
  const asked = options.map((one) => askedFor(document, one, place));
  const overlapping = options.map((): unknown[] => []);
  for (const [index, one] of asked.entries())
    for (let later = index + 1; later < asked.length; later++) {
      if (areApart(document, one, asked[later], place)) continue;
      overlapping[index]?.push(options[later]);
      overlapping[later]?.push(options[index]);
    }
  return options.map((one, index) => {
    const others = overlapping[index]?.map((other) => opposite(document, choice, other)) ?? [];
    return others.length === 0 ? one : { allOf: [one, ...others] };
  });
}

function waysOfCondition(document: SchemaDocument, choice: Choice): readonly unknown[] {
  const { if: condition, then = true, else: otherwise = true } = choice.schema;
  if (then === true && otherwise === true) return [true];
  return [{ allOf: [condition, then] }, { allOf: [opposite(document, choice, condition), otherwise] }];
}

/** @throws BAD_INPUT naming the keyword that needs it */
function opposite(document: SchemaDocument, { schema, keyword, place }: Choice, one: unknown): unknown {
  const what = { schema, keyword, path: place.path };
  const other = held(what, () => negated(document, one, inside(place)));
  if (other !== undefined) return other;
  throw unheldFault(
    what,
    `${ADVICE[keyword] ?? `"${keyword}" has no opposite that can be written as a schema`}`,
  );
}

const ADVICE: Readonly<Record<string, string>> = {
  oneOf: 'options of oneOf may overlap; tell them apart by a constant, or use anyOf',
  not: '"not" is held for types, values, bounds, lengths, patterns and what they combine to; leave it out',
  if: '"if" is held for types, values, bounds, lengths, patterns and what they combine to; write it as anyOf',
};

/** Where the name is not there, or what it asks for holds. */
function dependency([name, asked]: readonly [string, unknown]): Schema {
  const without: Schema = { properties: { [name]: false }, [IS_NO_LIST]: true };
  const required = Array.isArray(asked) ? [name, ...asList(asked)] : [name];
  const has: Schema = { type: 'object', required };
  return { anyOf: [without, Array.isArray(asked) ? has : { allOf: [has, asked] }] };
}
