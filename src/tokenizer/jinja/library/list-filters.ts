/**
 * Filters that take lists apart, order them and group them.
 */
import { compare, isEqual } from '../values/comparison.js';
import { itemsOf, lengthOf } from '../values/iteration.js';
import { Dict, orUndefined, Range, Tuple, Undefined, type Value } from '../values/value.js';
import { countOf, flagOf } from './given.js';
import { memberAt } from './members.js';
import { type Bound, type Builtin, builtin, type Runtime } from './runtime.js';

const length = builtin('', (value) => lengthOf(value));

export const LIST_FILTERS: Readonly<Record<string, Builtin>> = {
  list: builtin('', (value, _args, { budget }) => [...itemsOf(value, budget)]),
  length,
  count: length,
  first: builtin('', (value, _args, { budget }) => orUndefined(itemsOf(value, budget)[0], 'first')),
  last: builtin('', (value, _args, { budget }) => orUndefined(itemsOf(value, budget).at(-1), 'last')),
  reverse: builtin('', (value, _args, { budget }) => {
    const items = itemsOf(value, budget).toReversed();
    return typeof value === 'string' ? items.map(String).join('') : items;
  }),
  items: builtin('', (value) => {
    if (value instanceof Undefined) return [];
    if (!(value instanceof Dict)) throw new Error('only a mapping has items');
    return value.entries().map((entry) => new Tuple(entry));
  }),
  sort: builtin('reverse case_sensitive attribute', (value, [isReversed, isExact, attribute], runtime) =>
    sorted(itemsOf(value, runtime.budget), keyMaker(attribute, flagOf(isExact), runtime), flagOf(isReversed), runtime),
  ), // prettier-ignore
  dictsort: builtin('case_sensitive by reverse', dictSorted),
  unique: builtin('case_sensitive attribute', unique),
  groupby: builtin('attribute default case_sensitive', grouped),
  min: builtin('case_sensitive attribute', (value, args, runtime) => extreme(value, args, runtime, -1)),
  max: builtin('case_sensitive attribute', (value, args, runtime) => extreme(value, args, runtime, 1)),
  batch: builtin('linecount fill_with', batches),
  slice: builtin('slices fill_with', slices),
};

type KeyMaker = (item: Value) => Value;

/** What items are ordered by; several attributes with commas between make a list. */
function keyMaker(attribute: Value | undefined, isExact: boolean, runtime: Runtime): KeyMaker {
  const folded = (value: Value): Value =>
    typeof value === 'string' && !isExact ? value.toLowerCase() : value;
  if (attribute === undefined || attribute === null) return folded;
  if (typeof attribute !== 'string' || !attribute.includes(','))
    return (item) => folded(memberAt(item, attribute, runtime));
  const paths = attribute.split(',');
  return (item) => paths.map((path) => folded(memberAt(item, path, runtime)));
}

function sorted(items: readonly Value[], keyOf: KeyMaker, isReversed: boolean, { budget }: Runtime): Value[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  // Items that are equal keep their order, also from behind.
  const sign = isReversed ? -1 : 1;
  return keyed.sort((one, other) => sign * compare(one.key, other.key, budget)).map(({ item }) => item);
}

function dictSorted(value: Value, [isExact, by, isReversed]: Bound, runtime: Runtime): Value {
  if (!(value instanceof Dict)) throw new Error('only a mapping can be sorted by dictsort');
  const place = by === 'value' ? 1 : 0;
  const keyOf = keyMaker(place, flagOf(isExact), runtime);
  return sorted(value.entries().map((entry) => new Tuple(entry)), keyOf, flagOf(isReversed), runtime); // prettier-ignore
}

function unique(value: Value, [isExact, attribute]: Bound, runtime: Runtime): Value {
  const keyOf = keyMaker(attribute, flagOf(isExact), runtime);
  const seen: Value[] = [];
  return itemsOf(value, runtime.budget).filter((item) => {
    const key = keyOf(item);
    const isNew = !seen.some((one) => isEqual(one, key, runtime.budget));
    if (isNew) seen.push(key);
    return isNew;
  });
}

function grouped(value: Value, [attribute = null, byDefault, isExact]: Bound, runtime: Runtime): Value {
  const plain = keyMaker(attribute, flagOf(isExact), runtime);
  const keyOf: KeyMaker = (item) => {
    const key = plain(item);
    return key instanceof Undefined && byDefault !== undefined ? byDefault : key;
  };
  const groups: { readonly key: Value; readonly first: Value; readonly items: Value[] }[] = [];
  for (const item of sorted(itemsOf(value, runtime.budget), keyOf, false, runtime)) {
    const key = keyOf(item);
    const last = groups.at(-1);
    if (last && isEqual(last.key, key, runtime.budget)) last.items.push(item);
    else groups.push({ key, first: shownKey(item, attribute, byDefault, runtime), items: [item] });
  }
  return groups.map(({ first, items }) => new Tuple([first, items], ['grouper', 'list']));
}

/** As it is written, where keys were compared without regard to case. */
function shownKey(item: Value, attribute: Value, byDefault: Value | undefined, runtime: Runtime): Value {
  const shown = memberAt(item, attribute, runtime);
  return shown instanceof Undefined && byDefault !== undefined ? byDefault : shown;
}

function extreme(value: Value, [isExact, attribute]: Bound, runtime: Runtime, sign: number): Value {
  const keyOf = keyMaker(attribute, flagOf(isExact), runtime);
  const [first, ...rest] = itemsOf(value, runtime.budget);
  if (first === undefined) return new Undefined('an empty list');
  return rest.reduce(
    (best, item) => (sign * compare(keyOf(item), keyOf(best), runtime.budget) > 0 ? item : best),
    first,
  );
}

function batches(value: Value, [size, fill]: Bound, { budget }: Runtime): Value {
  const items = itemsOf(value, budget);
  const count = Math.max(1, countOf(size, 1));
  const all = Array.from({ length: Math.ceil(items.length / count) }, (_, index) =>
    items.slice(index * count, (index + 1) * count),
  );
  if (fill === undefined || fill === null) return all;
  budget.step(count);
  return all.map((one) => [...one, ...new Range(one.length, count, 1).items().map(() => fill)]);
}

/** The first ones get one more where they can not be even. */
function slices(value: Value, [asked, fill]: Bound, { budget }: Runtime): Value {
  const items = itemsOf(value, budget);
  const count = Math.max(1, countOf(asked, 1));
  budget.step(count);
  const least = Math.floor(items.length / count);
  const more = items.length % count;
  return new Range(0, count, 1).items().map((index) => {
    const start = index * least + Math.min(index, more);
    const part = items.slice(start, start + least + (index < more ? 1 : 0));
    return fill === undefined || fill === null || index < more || more === 0 ? part : [...part, fill];
  });
}
