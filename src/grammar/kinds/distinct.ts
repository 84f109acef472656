/**
 * Arrays whose items are all different: listed values, strings, and integers, each in one spelling.
 */
import { alternativesOf } from '../logic/alternatives.js';
import { languageWalker } from '../regular/text-language.js';
import type { Place } from '../schema/place.js';
import { type Unheld, unheldFault } from '../schema/schema.js';
import type { Together } from '../schema/together.js';
import { typesOf } from '../schema/types.js';
import { boundedNumber } from '../terms/bounded-number.js';
import { type DistinctItems, distinctItems, MAX_DISTINCT } from '../terms/distinct-items.js';
import { type Term, walk, type Walker } from '../terms/terms.js';
import { TextTree } from '../terms/tries.js';
import { boundsOf } from './number.js';
import type { Reading } from './reading.js';
import { askedText, rulesOf } from './text-rules.js';
import { isListed, listedValues } from './values.js';

/** Work of finding whether there are enough different items. */
const SEARCH_WORK = 2000;
/** Integers of a range that is taken as a list of values. */
const MAX_RANGE = 64;
const [QUOTE, MINUS, ZERO] = [0x22, 0x2d, 0x30];

/** @throws BAD_INPUT */
export function distinctTerm(
  schema: unknown,
  what: Unheld,
  [min, max]: readonly [min: number, max: number],
  place: Place,
  reading: Reading,
): Term {
  const ways = [...alternativesOf(reading.document, schema, place)];
  const items = itemsOf(ways, place, reading);
  if (!items)
    throw unheldFault(what, '"uniqueItems" is held for listed values, strings and integers; leave it out');
  reading.document.meter.spend(SEARCH_WORK);
  if (min > MAX_DISTINCT && !items.isTree)
    throw unheldFault(what, `"uniqueItems" is held for at most ${MAX_DISTINCT} items; lower minItems`);
  const walker = distinctItems({ ...items, min, max });
  if (walker) return walk(walker);
  throw unheldFault(
    what,
    '"uniqueItems" asks for more different items than there are; lower minItems, or leave it out',
  );
}

type Items = Pick<DistinctItems, 'item' | 'isTree'>;

/** @returns undefined for items that may be written in more than one way */
function itemsOf(ways: readonly Together[], place: Place, reading: Reading): Items | undefined {
  const texts = ways.map((way) => textsOf(way, place, reading));
  if (texts.every((one) => one !== undefined)) return { item: TextTree.of(texts.flat()), isTree: true };
  const [way, second] = ways;
  if (!way || second) return undefined;
  const [type, other] = typesOf(way, place.path) ?? [];
  if (other !== undefined) return undefined;
  const item =
    type === 'string'
      ? stringItem(way, place, reading)
      : type === 'integer'
        ? integerItem(way, place)
        : undefined;
  return item && { item, isTree: false };
}

/** Of values that are few; undefined where they are not. */
function textsOf(way: Together, place: Place, { document }: Reading): readonly string[] | undefined {
  if (isListed(way)) {
    const texts = listedValues(way, place, document).map((value) => JSON.stringify(value));
    for (const text of texts) document.meter.spend(1 + text.length);
    return texts;
  }
  const types = typesOf(way, place.path) ?? [];
  if (types.length === 1 && types[0] === 'integer') return integersOf(way, place);
  const isFew = types.length > 0 && types.every((type) => type === 'boolean' || type === 'null');
  return isFew ? types.flatMap((type) => (type === 'null' ? ['null'] : ['true', 'false'])) : undefined;
}

function integersOf(way: Together, { path }: Place): readonly string[] | undefined {
  const { mins, above, maxes, below } = boundsOf(way, path);
  const first = Math.max(...mins.map(Math.ceil), ...above.map((bound) => Math.floor(bound) + 1));
  const last = Math.min(...maxes.map(Math.floor), ...below.map((bound) => Math.ceil(bound) - 1));
  if (!(last - first < MAX_RANGE)) return undefined;
  const steps = way.flatMap(({ multipleOf }) => (typeof multipleOf === 'number' ? [multipleOf] : []));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
    .filter((value) => steps.every((step) => Number.isInteger(value / step)))
    .map((value) => String(value + 0));
}

function stringItem(way: Together, place: Place, { document }: Reading): Walker | undefined {
  const asked = askedText(way, place);
  const { min, max } = asked;
  const characters = languageWalker({ rules: rulesOf(asked, document), min, max }, document.meter);
  return characters && new Quoted(characters);
}

function integerItem(way: Together, { path }: Place): Walker | undefined {
  const steps = way.flatMap(({ multipleOf }) => (typeof multipleOf === 'number' ? [multipleOf] : []));
  const number = boundedNumber({ ...boundsOf(way, path), steps }, true);
  return number && new WithoutMinusZero(number);
}

class Quoted implements Walker {
  readonly canEnd = false;
  readonly #characters: Walker;
  readonly #inner = new Map<Walker, Walker>();

  constructor(characters: Walker) {
    this.#characters = characters;
  }

  next(byte: number): Walker | undefined {
    return byte === QUOTE ? this.#within(this.#characters) : undefined;
  }

  #within(characters: Walker): Walker {
    const known = this.#inner.get(characters) ?? {
      canEnd: false,
      next: (byte: number): Walker | undefined => {
        if (byte === QUOTE) return characters.canEnd ? ENDED : undefined;
        const next = characters.next(byte);
        return next && this.#within(next);
      },
    };
    this.#inner.set(characters, known);
    return known;
  }
}

const ENDED: Walker = { canEnd: true, next: () => undefined };

/** 0 and -0 are one number. */
class WithoutMinusZero implements Walker {
  readonly canEnd = false;
  readonly #number: Walker;
  readonly #negative: Walker;

  constructor(number: Walker) {
    this.#number = number;
    const negative = number.next(MINUS);
    this.#negative = { canEnd: false, next: (byte) => (byte === ZERO ? undefined : negative?.next(byte)) };
  }

  next(byte: number): Walker | undefined {
    return byte === MINUS ? this.#number.next(MINUS) && this.#negative : this.#number.next(byte);
  }
}
