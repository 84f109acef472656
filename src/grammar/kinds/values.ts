/**
 * Values that are listed: enum, or const for a single one. What stands beside them chooses among them.
 */
import { isValid } from '../logic/validity.js';
import type { SchemaDocument } from '../schema/document.js';
import { inside, type Place } from '../schema/place.js';
import { fault, type Schema } from '../schema/schema.js';
import type { Together } from '../schema/together.js';
import { IMPOSSIBLE, type Term, walk } from '../terms/terms.js';
import { TextTree } from '../terms/tries.js';

export function isListed(parts: Together): boolean {
  return parts.some((part) => Object.hasOwn(part, 'const') || Object.hasOwn(part, 'enum'));
}

/** @throws BAD_INPUT */
export function valuesTerm(parts: Together, place: Place, document: SchemaDocument): Term {
  const values = listedValues(parts, place, document);
  if (values.length === 0) return IMPOSSIBLE;
  const texts = values.map((value) => JSON.stringify(value));
  // Each byte is a state.
  for (const text of texts) document.meter.spend(1 + text.length);
  return walk(TextTree.of(texts));
}

/** Those that all of the schemas allow. @throws BAD_INPUT */
export function listedValues(parts: Together, place: Place, document: SchemaDocument): readonly unknown[] {
  const [first, ...others] = [...parts].sort((a, b) => Number(isListed([b])) - Number(isListed([a])));
  if (!first) return [];
  const isConstant = Object.hasOwn(first, 'const');
  const values = isConstant ? [first['const']] : first['enum'];
  if (!Array.isArray(values)) throw fault(place.path, 'enum must be a list');
  const rest = [withoutValues(first, isConstant ? 'const' : 'enum'), ...others].filter(saysMore);
  return values.filter((value: unknown) =>
    rest.every((part) => isValid(document, value, part, inside(place))),
  );
}

/** Not compared with themselves once more. */
function withoutValues(part: Schema, keyword: string): Schema {
  const { [keyword]: _values, ...rest } = part;
  return rest;
}

function saysMore(part: Schema): boolean {
  return Reflect.ownKeys(part).length > 0;
}
