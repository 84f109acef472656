/**
 * Schemas of arrays: items that are told one by one, then any number of others.
 */
import * as json from '../terms/json-text.js';
import { choice, IMPOSSIBLE, repeat, separated, sequence, type Term } from '../terms/terms.js';
import { countsOf } from './keyword-values.js';
import { inside, type Place, type Read } from './place.js';
import { fault, type Schema } from './schema.js';

/** @throws BAD_INPUT */
export function arrayTerm(schema: Schema, place: Place, read: Read): Term {
  const { items } = schema;
  const tuple = tupleOf(schema, place.path);
  const [min, max] = countsOf(schema, 'Items', place.path);
  const first = tuple.map((one, index) => read(one, inside(place, 'prefixItems', index)));
  const isOpen = !Array.isArray(items) && items !== false && (tuple.length === 0 || items !== undefined);
  const rest = isOpen ? read(items ?? true, inside(place, 'items')) : IMPOSSIBLE;
  if (first.length === 0) return json.array(separated(rest, json.COMMA, min, max));
  return json.array(tupleTerm(first, rest, min, max));
}

/** In older drafts `items` is what `prefixItems` is now. */
function tupleOf({ items, prefixItems }: Schema, path: string): readonly unknown[] {
  if (prefixItems !== undefined && !Array.isArray(prefixItems))
    throw fault(path, 'prefixItems must be a list');
  return prefixItems ?? (Array.isArray(items) ? (items as unknown[]) : []);
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
