/**
 * Patterns without looks, as terms that are followed byte by byte: they need no automaton of their own.
 */
import type { Meter } from '../limits/meter.js';
import { jsonCharacter } from '../terms/characters.js';
import { choice, NOTHING, type Range, repeat, sequence, type Term } from '../terms/terms.js';
import { ALL, END, START } from './classes.js';
import { type Tree, within } from './tree.js';

/** Bytes in UTF-8 and escapes that a range of characters comes to, at most about so many. */
const TERMS_PER_RANGE = 24;
/** Sets of more ranges, as those of Unicode properties, cost less as an automaton over characters. */
const MAX_RANGES = 64;
const ANYTHING = repeat(jsonCharacter(ALL));

/** Anchors may stand only at the ends of a whole option. */
export function isPlain(tree: Tree): boolean {
  return optionsOf(tree).every((option) => {
    const { body } = anchored(option);
    for (const part of body)
      for (const one of within(part))
        if (one.kind === 'look' || (one.kind === 'chars' && one.ranges.length > MAX_RANGES)) return false;
    return true;
  });
}

/** A pattern without anchors is looked for anywhere in the string. @param tree isPlain */
export function plainTerm(tree: Tree, meter: Meter): Term {
  const writer = new PlainWriter(meter);
  return choice(
    ...optionsOf(tree).map((option) => {
      const { isFirst, isLast, body } = anchored(option);
      const parts = body.map((part) => writer.termOf(part));
      return sequence(isFirst ? NOTHING : ANYTHING, ...parts, isLast ? NOTHING : ANYTHING);
    }),
  );
}

function optionsOf(tree: Tree): readonly Tree[] {
  return tree.kind === 'choice' ? tree.options : [tree];
}

function anchored(option: Tree): { isFirst: boolean; isLast: boolean; body: readonly Tree[] } {
  const parts = option.kind === 'sequence' ? option.parts : [option];
  const isFirst = parts[0] === START;
  const isLast = parts.at(-1) === END;
  return { isFirst, isLast, body: parts.slice(isFirst ? 1 : 0, isLast ? -1 : undefined) };
}

class PlainWriter {
  readonly #meter: Meter;
  /** By their ranges: patterns name the same characters again and again. */
  readonly #characters = new Map<string, Term>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  termOf(tree: Tree): Term {
    switch (tree.kind) {
      case 'chars':
        return this.#character(tree.ranges);
      case 'sequence':
        return sequence(...tree.parts.map((part) => this.termOf(part)));
      case 'choice':
        return choice(...tree.options.map((option) => this.termOf(option)));
      case 'repeat':
        return repeat(this.termOf(tree.part), tree.min, tree.max);
      case 'look':
        throw new Error('a plain pattern has no looks');
    }
  }

  #character(ranges: readonly Range[]): Term {
    const key = ranges.join();
    const term = this.#characters.get(key) ?? this.#countedCharacter(ranges);
    this.#characters.set(key, term);
    return term;
  }

  #countedCharacter(ranges: readonly Range[]): Term {
    this.#meter.spend(TERMS_PER_RANGE * (1 + ranges.length));
    return jsonCharacter(ranges);
  }
}
