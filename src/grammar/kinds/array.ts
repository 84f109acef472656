/**
 * Schemas of arrays: items that are told one by one, then any number of others; some that must be among them.
 */
import { countsOf, countValue } from '../schema/keyword-values.js';
import { inside, type Place } from '../schema/place.js';
import { fault, type Schema, unheldFault } from '../schema/schema.js';
import { askedOf, type Together } from '../schema/together.js';
import * as json from '../terms/json-text.js';
import { choice, IMPOSSIBLE, NOTHING, repeat, separated, sequence, type Term } from '../terms/terms.js';
import { distinctTerm } from './distinct.js';
import type { Reading } from './reading.js';

/** Items beside `contains` and an upper bound: each has terms of its own. */
const MAX_COUNTED = 200;

/** @throws BAD_INPUT */
export function arrayTerm(parts: Together, place: Place, reading: Reading): Term {
  const [min, max] = countsOf(parts, 'Items', place.path);
  refuseUnheld(parts, place);
  const items = itemsOf(parts, place, min, reading);
  const contained = containedOf(parts, place);
  const [unique] = askedOf(parts, 'uniqueItems').filter(({ value }) => value === true);
  if (unique && max > 1) {
    const what = { schema: unique.schema, keyword: 'uniqueItems', path: place.path };
    if (items.count > 0 || contained)
      throw unheldFault(what, '"uniqueItems" is not held beside prefixItems or contains; leave it out');
    return json.array(distinctTerm(items.after ?? false, what, [min, max], inside(place, 'items'), reading));
  }
  const { read, document } = reading;
  const termAt = (index: number, more: unknown = true): Term =>
    read(
      document.together([items.at(index), more]),
      inside(place, ...(index < items.count ? ['prefixItems', index] : ['items'])),
    );
  const first = Array.from({ length: items.count }, (_, index) => termAt(index));
  const rest = items.after === undefined ? IMPOSSIBLE : termAt(items.count);
  if (contained) return json.array(containing({ ...contained, first, rest, min, max, termAt }, reading));
  if (first.length === 0) return json.array(separated(rest, json.COMMA, min, max));
  return json.array(tupleTerm(first, rest, min, max));
}

type Items = {
  /** How many are told one by one. */
  readonly count: number;
  at(index: number): unknown;
  /** What comes after them; undefined where nothing does. */
  readonly after: unknown;
};

/** Where a list of items does not say that others may follow, none do, unless more are asked for. */
function itemsOf(parts: Together, place: Place, min: number, { document }: Reading): Items {
  const tuples = parts.map((part) => tupleOf(part, place.path));
  const count = Math.max(0, ...tuples.map(({ length }) => length));
  const at = (index: number): unknown =>
    document.together(parts.map((part, which) => tuples[which]?.[index] ?? restOf(part) ?? true));
  const isSaid = parts.some((part) => restOf(part) !== undefined);
  const isOpen = count === 0 || isSaid || min > count;
  return { count, at, after: isOpen ? at(count) : undefined };
}

/** In older drafts `items` is what `prefixItems` is now. */
function tupleOf({ items, prefixItems }: Schema, path: string): readonly unknown[] {
  if (prefixItems !== undefined && !Array.isArray(prefixItems))
    throw fault(path, 'prefixItems must be a list');
  return prefixItems ?? (Array.isArray(items) ? (items as unknown[]) : []);
}

function restOf({ items, additionalItems }: Schema): unknown {
  return Array.isArray(items) ? additionalItems : items;
}

function refuseUnheld(parts: Together, { path }: Place): void {
  const [unevaluated] = askedOf(parts, 'unevaluatedItems').filter(({ value }) => value !== true);
  if (unevaluated && parts.length > 1)
    throw unheldFault(
      { schema: unevaluated.schema, keyword: 'unevaluatedItems', path },
      '"unevaluatedItems" is not held beside other schemas; say items',
    );
  const [most] = askedOf(parts, 'maxContains');
  if (most)
    throw unheldFault(
      { schema: most.schema, keyword: 'maxContains', path },
      '"maxContains" is not held; leave it out',
    );
}

/** What must be among the items, and how often. @throws BAD_INPUT */
function containedOf(parts: Together, { path }: Place): { contained: unknown; need: number } | undefined {
  const all = askedOf(parts, 'contains').filter(({ schema }) => schema['minContains'] !== 0);
  const [first, second] = all;
  if (second)
    throw unheldFault(
      { schema: second.schema, keyword: 'contains', path },
      'only one "contains" is held for one array; leave one out',
    );
  if (!first) return undefined;
  const need = countValue(first.schema['minContains'] ?? 1, 'minContains', path);
  if (need <= MAX_COUNTED) return { contained: first.value, need };
  throw fault(path, `minContains is above ${MAX_COUNTED}, the limit`);
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

type Containing = {
  readonly contained: unknown;
  readonly need: number;
  readonly first: readonly Term[];
  readonly rest: Term;
  readonly min: number;
  readonly max: number;
  readonly termAt: (index: number, more: unknown) => Term;
};

/** Built from the last item back: rows by how many matching items are still missing. */
function containing(asked: Containing, { document: { meter } }: Reading): Term {
  const { contained, need, first, rest, min, max, termAt } = asked;
  const last = Math.max(1, first.length, min);
  const end = max === Infinity ? last : Math.min(max, Math.max(last, MAX_COUNTED));
  const matching = Array.from({ length: Math.min(first.length, end) + 1 }, (_, index) =>
    termAt(index, contained),
  );
  const matchAt = (index: number): Term => matching[Math.min(index, matching.length - 1)] as Term;
  let rows = lastRows(need, max === Infinity, rest, matchAt(end));
  for (let index = end - 1; index >= 0; index--) {
    meter.spend(6 * (need + 1));
    const comma = index === 0 ? NOTHING : json.COMMA;
    const item = first[index] ?? rest;
    rows = rows.map((after, missing) =>
      choice(
        sequence(comma, item, after),
        missing > 0
          ? sequence(comma, matchAt(index), rows[missing - 1] as Term)
          : index >= min
            ? NOTHING
            : IMPOSSIBLE,
      ),
    );
  }
  return rows[need] as Term;
}

/** After the last item that is counted. */
function lastRows(need: number, isOpen: boolean, rest: Term, match: Term): Term[] {
  const others = isOpen ? repeat(sequence(json.COMMA, rest)) : NOTHING;
  const rows: Term[] = [others];
  for (let missing = 1; missing <= need; missing++)
    rows.push(isOpen ? sequence(others, json.COMMA, match, rows[missing - 1] as Term) : IMPOSSIBLE);
  return rows;
}
