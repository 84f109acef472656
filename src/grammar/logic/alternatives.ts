/**
 * The ways in which a schema can hold, each as schemas without references and combinations that hold together.
 */
import type { SchemaDocument } from '../schema/document.js';
import { inside, type Place } from '../schema/place.js';
import { fault } from '../schema/schema.js';
import type { Together } from '../schema/together.js';
import { waysOf } from './choices.js';
import { type Choice, collect } from './collected.js';
import { areTypesApart } from './exclusive.js';

/** Choices that hold for one value at once; each multiplies the ways. */
const MAX_CHOICES = 32;

/** One by one, so that what is wrong with an early one is found before a later one is looked at. @throws BAD_INPUT */
export function* alternativesOf(
  document: SchemaDocument,
  schema: unknown,
  place: Place,
): Generator<Together> {
  const found = collect(document, schema, place);
  if (found) yield* chosen(document, found.flat, found.choices, place);
}

function* chosen(
  document: SchemaDocument,
  flat: Together,
  choices: readonly Choice[],
  place: Place,
): Generator<Together> {
  const [first, ...rest] = choices;
  if (!first) {
    yield flat;
    return;
  }
  if (choices.length > MAX_CHOICES)
    throw fault(place.path, `more than ${MAX_CHOICES} choices hold for one value; write them as one`);
  for (const way of waysOf(document, first)) {
    document.meter.spend(1 + flat.length);
    const more = collect(document, way, inside(first.place));
    if (!more || areTypesApart(flat, more.flat, place)) continue;
    const together = [...flat, ...more.flat.filter((one) => !flat.includes(one))];
    yield* chosen(document, together, [...more.choices, ...rest], place);
  }
}
