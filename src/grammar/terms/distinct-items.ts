/**
 * Items of an array that are all different, with their commas. What tells items apart is a number that each text comes to:
 * different numbers are different items. Few texts have a number each; of endless ones several share one, and once one of
 * them was there the others are left out too, which keeps the states few.
 */
import type { Walker } from './terms.js';

/** Numbers of endless texts; also the most items, since each must leave its own. A prime, so that any next byte reaches any number. */
export const MAX_DISTINCT = 31;
const FACTOR = 7;
const [COMMA, SPACE] = [0x2c, 0x20];
/** States that are looked at to find an item that is still free; beyond, there is taken to be none. */
const MAX_SEARCH = 2000;
/** Sets of items that were there, kept for all answers together. */
const MAX_SETS = 1000;

export type DistinctItems = {
  /** Texts of one item. From every state an end can be reached. */
  readonly item: Walker;
  /** Each state of `item` is a text of its own, and counts as one; else texts are told apart by their bytes. */
  readonly isTree: boolean;
  readonly min: number;
  readonly max: number;
};

/** How far one item is: where its text stands, and its number so far. */
type At = { readonly walker: Walker; readonly number: number };

/** @returns the first state; undefined where there are too few different items. */
export function distinctItems(items: DistinctItems): Walker | undefined {
  const { item, min, max } = items;
  const first = new Seen(new Numbering(items), new Set());
  const free = endsOf(item, first.numbering).size;
  const all = items.isTree ? free : MAX_DISTINCT;
  if (free < all || min > all) return undefined;
  return new ItemsWalker(first, { ...items, max: Math.min(max, all) });
}

/** Numbers that items can end with. */
function endsOf(item: Walker, numbering: Numbering): ReadonlySet<number> {
  const ends = new Set<number>();
  numbering.search({ walker: item, number: 0 }, ({ walker, number }) => {
    if (walker.canEnd) ends.add(number);
    return ends.size === MAX_DISTINCT && !numbering.isTree;
  });
  return ends;
}

class Numbering {
  readonly isTree: boolean;
  readonly #numbers = new Map<Walker, number>();
  sets = 0;

  constructor({ isTree }: DistinctItems) {
    this.isTree = isTree;
  }

  after({ walker, number }: At, byte: number): At | undefined {
    const next = walker.next(byte);
    if (!next) return undefined;
    return {
      walker: next,
      number: this.isTree ? this.ofWalker(next) : (number * FACTOR + byte) % MAX_DISTINCT,
    };
  }

  ofWalker(walker: Walker): number {
    const number = this.#numbers.get(walker) ?? this.#numbers.size;
    this.#numbers.set(walker, number);
    return number;
  }

  keyOf({ walker, number }: At): string {
    return `${this.ofWalker(walker)},${number}`;
  }

  /** Goes on from a state until one is as wanted. @returns whether one was */
  search(from: At, isWanted: (at: At) => boolean): boolean {
    const known = new Set([this.keyOf(from)]);
    const open = [from];
    for (const at of open) {
      if (isWanted(at)) return true;
      if (known.size > MAX_SEARCH) return false;
      for (let byte = 0; byte < 256; byte++) {
        const next = this.after(at, byte);
        if (!next || known.has(this.keyOf(next))) continue;
        known.add(this.keyOf(next));
        open.push(next);
      }
    }
    return false;
  }
}

/** The items that were there, and the states that go on from them. */
class Seen {
  readonly numbering: Numbering;
  readonly #numbers: ReadonlySet<number>;
  readonly #more = new Map<number, Seen>();
  readonly #free = new Map<string, boolean>();
  readonly states = new Map<string, Walker>();

  constructor(numbering: Numbering, numbers: ReadonlySet<number>) {
    this.numbering = numbering;
    this.#numbers = numbers;
  }

  get size(): number {
    return this.#numbers.size;
  }

  with(number: number): Seen {
    if (++this.numbering.sets > MAX_SETS) {
      this.numbering.sets = 0;
      this.#more.clear();
    }
    const known = this.#more.get(number) ?? new Seen(this.numbering, new Set([...this.#numbers, number]));
    this.#more.set(number, known);
    return known;
  }

  isFree({ walker, number }: At): boolean {
    return walker.canEnd && !this.#numbers.has(number);
  }

  /** Whether an item that is begun can become one that was not there. */
  canBecomeFree(at: At): boolean {
    const key = this.numbering.keyOf(at);
    const known = this.#free.get(key) ?? this.numbering.search(at, (one) => this.isFree(one));
    this.#free.set(key, known);
    return known;
  }
}

class ItemsWalker implements Walker {
  readonly canEnd: boolean;
  readonly #seen: Seen;
  readonly #items: DistinctItems;
  /** Undefined before an item. */
  readonly #at: At | undefined;
  readonly #mayBeSpace: boolean;
  readonly #next = new Map<number, Walker | undefined>();

  constructor(seen: Seen, items: DistinctItems, at?: At, mayBeSpace = false) {
    this.#seen = seen;
    this.#items = items;
    this.#at = at;
    this.#mayBeSpace = mayBeSpace;
    const count = seen.size + 1;
    this.canEnd = at ? seen.isFree(at) && count >= items.min : seen.size === 0 && items.min === 0;
  }

  next(byte: number): Walker | undefined {
    if (!this.#next.has(byte)) this.#next.set(byte, this.#after(byte));
    return this.#next.get(byte);
  }

  #after(byte: number): Walker | undefined {
    const [seen, items, at] = [this.#seen, this.#items, this.#at];
    if (!at && this.#mayBeSpace && byte === SPACE) return this.#kept(seen, undefined, false);
    const isEnd = at && byte === COMMA && seen.isFree(at);
    if (isEnd && seen.size + 1 < items.max) {
      const more = seen.with(at.number);
      const first = { walker: items.item, number: 0 };
      return more.canBecomeFree(first) ? this.#kept(more, undefined, true) : undefined;
    }
    if (items.max === 0) return undefined;
    const next = seen.numbering.after(at ?? { walker: items.item, number: 0 }, byte);
    return next && seen.canBecomeFree(next) ? this.#kept(seen, next, false) : undefined;
  }

  #kept(seen: Seen, at: At | undefined, mayBeSpace: boolean): Walker {
    const key = at ? seen.numbering.keyOf(at) : String(mayBeSpace);
    const known = seen.states.get(key) ?? new ItemsWalker(seen, this.#items, at, mayBeSpace);
    seen.states.set(key, known);
    return known;
  }
}
