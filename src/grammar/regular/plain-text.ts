/**
 * Plain texts that match a pattern from end to end.
 */
import type { Meter } from '../limits/meter.js';
import { IMPOSSIBLE, type Term, walk } from '../terms/terms.js';
import { END, START } from './classes.js';
import { readPattern } from './reader.js';
import { languageWalker } from './text-language.js';
import { inOrder } from './tree.js';

/** @throws BAD_INPUT */
export function regexTerm(pattern: string, meter: Meter): Term {
  const tree = inOrder(START, readPattern(pattern, meter), END);
  const rules = [{ tree, isNegated: false }];
  const walker = languageWalker({ rules, min: 0, max: Infinity }, meter, false);
  return walker ? walk(walker) : IMPOSSIBLE;
}
