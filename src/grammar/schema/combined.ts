/**
 * Schemas made of others: allOf as the one schema that they come to, anyOf and oneOf as a list of options. What stands
 * beside them holds for all.
 */
import type { SchemaDocument } from './document.js';
import { merge } from './merge.js';
import { areApart } from './overlap.js';
import { inside, type Place } from './place.js';
import { fault, type Schema } from './schema.js';

/** @throws BAD_INPUT */
export function joinAll(document: SchemaDocument, { allOf, ...rest }: Schema, place: Place): Schema {
  const { path } = place;
  if (!Array.isArray(allOf) || allOf.length === 0) throw fault(path, 'allOf must be a list of schemas');
  const all = allOf.map((one) => document.plain(one, place));
  return all.reduce((before, one) => merge(before, one, path, document.meter), rest);
}

/** One by one, so that what is wrong with an early one is found before a later one is looked at. @throws BAD_INPUT */
export function* optionsOf(
  document: SchemaDocument,
  { anyOf, oneOf, ...rest }: Schema,
  place: Place,
): Generator<readonly [schema: unknown, place: Place]> {
  const { path } = place;
  if (anyOf !== undefined && oneOf !== undefined) throw fault(path, 'anyOf beside oneOf is not supported');
  const options = anyOf ?? oneOf;
  if (!Array.isArray(options) || options.length === 0)
    throw fault(path, 'anyOf and oneOf must be lists of schemas');
  if (oneOf !== undefined) requireApart(document, options, place);
  const isBare = Object.keys(rest).length === 0;
  for (const [index, option] of options.entries()) {
    const whole: unknown = isBare ? option : merge(rest, document.plain(option, place), path, document.meter);
    yield [whole, inside(place, anyOf ? 'anyOf' : 'oneOf', index)];
  }
}

/** Where more than one of them could hold, a text for one of them may not do. */
function requireApart(document: SchemaDocument, options: readonly unknown[], place: Place): void {
  const plain = options.map((option) => document.plain(option, place));
  const overlaps = plain.some((one, index) =>
    plain.slice(index + 1).some((other) => !areApart(one, other, document.meter)),
  );
  if (overlaps)
    throw fault(place.path, 'options of oneOf may overlap; tell them apart by a constant, or use anyOf');
}
