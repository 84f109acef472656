/**
 * Texts by what is asked of them: patterns they match or do not match, and how many characters they have.
 */
import type { Meter } from '../limits/meter.js';
import type { Walker } from '../terms/terms.js';
import { ANY_CHAR, END, START } from './classes.js';
import { type Dfa, dfaOf, type Rule } from './dfa.js';
import { Lengths } from './lengths.js';
import { textWalker } from './text-walker.js';
import { either, inOrder, literal, times, type Tree } from './tree.js';

export type TextRules = {
  readonly rules: readonly Rule[];
  readonly min: number;
  readonly max: number;
};

/**
 * Their bytes; undefined where there is none.
 * @param isJson as they stand in JSON, without the quotes; else as they are. @throws BAD_INPUT
 */
export function languageWalker(
  { rules, min, max }: TextRules,
  meter: Meter,
  isJson = true,
): Walker | undefined {
  const dfa = dfaOf(rules.length > 0 ? rules : [ANYTHING], meter);
  if (!dfa) return undefined;
  const isFree = min === 0 && max === Infinity;
  return textWalker(dfa, isFree ? undefined : new Lengths(dfa, min, max, meter), isJson);
}

export type Matches = (text: string) => boolean;

/** @throws BAD_INPUT for rules that come to too much */
export function matcherOf(rules: readonly Rule[], meter: Meter): Matches {
  const dfa = rules.length > 0 ? dfaOf(rules, meter) : undefined;
  return (text) => rules.length === 0 || (dfa !== undefined && matches(dfa, text));
}

function matches({ alphabet, canEnd, next }: Dfa, text: string): boolean {
  let state = 0;
  for (const char of text) {
    state = next[state]?.[alphabet.setOf(char.codePointAt(0) ?? 0)] ?? -1;
    if (state < 0) return false;
  }
  return canEnd[state] === true;
}

/** One of these texts and nothing else. */
export function oneOf(texts: readonly string[]): Tree {
  return inOrder(START, either(...texts.map(literal)), END);
}

const ANYTHING: Rule = { tree: inOrder(START, times(ANY_CHAR, 0, Infinity)), isNegated: false };
