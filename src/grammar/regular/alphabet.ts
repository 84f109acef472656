/**
 * Characters in sets that patterns can not tell apart: an automaton has an edge for each set, not for each character. Pure.
 */
import { subtract } from '../terms/characters.js';
import type { Range } from '../terms/terms.js';
import { ALL } from './classes.js';
import { type Tree, within } from './tree.js';

const SURROGATES: Range = [0xd800, 0xdfff];

export type Interval = { readonly first: number; readonly last: number; readonly set: number };

export class Alphabet {
  /** All characters, in order, each interval of one set. */
  readonly intervals: readonly Interval[];
  /** By set, one of its characters. */
  readonly samples: readonly number[];

  constructor(trees: Iterable<Tree>) {
    const lists = rangeListsOf(trees);
    const borders = bordersOf(lists);
    const samples: number[] = [];
    const sets = new Map<string, number>();
    const cursors = lists.map(() => 0);
    this.intervals = borders.map((first, index) => {
      const last = (borders[index + 1] ?? 0x110000) - 1;
      const key = first === SURROGATES[0] ? 'none' : signature(lists, cursors, first);
      const set = sets.get(key) ?? sets.size;
      if (set === sets.size) samples.push(first);
      sets.set(key, set);
      return { first, last, set };
    });
    this.samples = samples;
  }

  setOf(point: number): number {
    return this.intervals[this.indexOf(point)]?.set ?? 0;
  }

  /** The interval that a character lies in. */
  indexOf(point: number): number {
    let [low, high] = [0, this.intervals.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.intervals[middle]?.first ?? 0) <= point) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Surrogates are no characters: they get a set of their own, in no range. */
function rangeListsOf(trees: Iterable<Tree>): readonly (readonly Range[])[] {
  const lists = new Map<string, readonly Range[]>();
  for (const tree of trees)
    for (const one of within(tree)) {
      if (one.kind !== 'chars') continue;
      const ranges = subtract(one.ranges, [SURROGATES]);
      lists.set(ranges.join(), ranges);
    }
  return [...lists.values()];
}

function bordersOf(lists: readonly (readonly Range[])[]): number[] {
  const borders = new Set<number>([ALL[0]?.[0] ?? 0, SURROGATES[0], SURROGATES[1] + 1]);
  for (const [first, last] of lists.flat()) borders.add(first).add(last + 1);
  return [...borders].filter((point) => point < 0x110000).sort((a, b) => a - b);
}

/** Which lists hold a character. @param cursors by list, the range that was reached; moved on */
function signature(lists: readonly (readonly Range[])[], cursors: number[], point: number): string {
  let held = '';
  for (const [index, ranges] of lists.entries()) {
    let cursor = cursors[index] ?? 0;
    while ((ranges[cursor]?.[1] ?? Infinity) < point) cursor++;
    cursors[index] = cursor;
    const range = ranges[cursor];
    held += range && range[0] <= point ? '1' : '0';
  }
  return held;
}
