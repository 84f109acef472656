/**
 * Where a text of so many characters can still be brought to an end in time: for automata beside lengths. Pure.
 */
import { KvrError } from '../../core/errors.js';
import type { Meter } from '../limits/meter.js';
import type { Dfa } from './dfa.js';

/** Steps of the table below that take about the time of one part of a grammar. */
const STEPS_PER_PART = 64;
const MAX_TABLE = 8_000_000;

export class Lengths {
  readonly #min: number;
  readonly #max: number;
  /** Counts in which the same states can still end: above the lower bound, and far below an upper one. */
  readonly #firstAlike: number;
  readonly #lastAlike: number;
  readonly #alive: readonly Uint8Array[];

  /** @param min, max characters of the whole text, max may be Infinity */
  constructor(dfa: Dfa, min: number, max: number, meter: Meter) {
    this.#min = min;
    this.#max = max;
    const { alike, below, above } = tables(dfa, min, max, meter);
    this.#firstAlike = below.length;
    this.#lastAlike = max === Infinity ? Infinity : max - above.length;
    this.#alive = [...below, alike, ...above];
  }

  /** A count that stands for all that go on alike, so that there are few. */
  counted(count: number): number {
    return Math.min(count, this.#lastAlike === Infinity ? this.#firstAlike : this.#max);
  }

  mayEnd(count: number): boolean {
    return count >= this.#min && count <= this.#max;
  }

  isAlive(state: number, count: number): boolean {
    if (count > this.#max || state < 0) return false;
    const isAbove = count > this.#lastAlike;
    const index = isAbove ? this.#firstAlike + (count - this.#lastAlike) : Math.min(count, this.#firstAlike);
    return this.#alive[index]?.[state] === 1;
  }
}

type Tables = { below: Uint8Array[]; alike: Uint8Array; above: Uint8Array[] };

/** From the longest text back to the empty one: by count, the states that can still end. @throws BAD_INPUT */
function tables({ canEnd, next }: Dfa, min: number, max: number, meter: Meter): Tables {
  const ends: Uint8Array = Uint8Array.from(canEnd, Number);
  const edges = next.map((all) => [...new Set(all)].filter((to) => to >= 0));
  const width = edges.reduce((sum, all) => sum + all.length + 1, 0);
  let left = MAX_TABLE;
  const before = (after: Uint8Array, mayEnd: boolean): Uint8Array => {
    if ((left -= width) < 0) throw tooLong();
    meter.spend(width / STEPS_PER_PART);
    return after.map((_, state) =>
      Number((mayEnd && canEnd[state]) || edges[state]?.some((to) => after[to] === 1)),
    );
  };
  const above: Uint8Array[] = [];
  let alike: Uint8Array = max === Infinity ? new Uint8Array(ends.length).fill(1) : ends;
  for (let count = max - 1; max !== Infinity && count >= min; count--) {
    const now = before(alike, true);
    if (now.every((one, state) => one === alike[state])) break;
    above.unshift(alike);
    alike = now;
  }
  const below: Uint8Array[] = [];
  for (let count = min - 1, after = alike; count >= 0; count--) {
    after = before(after, false);
    below.unshift(after);
  }
  return { below, alike, above };
}

function tooLong(): KvrError {
  return new KvrError(
    'BAD_INPUT',
    'lengths beside this pattern or format take too much; shorten the lengths or put them into the pattern',
  );
}
