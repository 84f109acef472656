/**
 * Named sets of characters in patterns, and the places that are told by them: ends of the text and of words.
 * Source: ECMA-262, flag u.
 */
import { MAX_CODE_POINT, subtract } from '../terms/characters.js';
import type { Range } from '../terms/terms.js';
import { chars, either, inOrder, look, type Tree } from './tree.js';

export const ALL: readonly Range[] = [[0, MAX_CODE_POINT]];
const LINE_ENDS: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
export const BUT_LINE_ENDS = subtract(ALL, LINE_ENDS);
const DIGITS: readonly Range[] = [[0x30, 0x39]];
const WORD: readonly Range[] = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACES: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
export const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  d: DIGITS,
  D: subtract(ALL, DIGITS),
  w: WORD,
  W: subtract(ALL, WORD),
  s: SPACES,
  S: subtract(ALL, SPACES),
};
export const CONTROLS: Readonly<Record<string, number>> = {
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  f: 0x0c,
  0: 0,
};

export const ANY_CHAR = chars(ALL);
/** Nothing stands before, and nothing stands behind. */
export const START = look(ANY_CHAR, true, true);
export const END = look(ANY_CHAR, false, true);

const WORD_CHAR = chars(WORD);
const [AFTER_WORD, AFTER_OTHER] = [look(WORD_CHAR, true, false), look(WORD_CHAR, true, true)];
const [BEFORE_WORD, BEFORE_OTHER] = [look(WORD_CHAR, false, false), look(WORD_CHAR, false, true)];
export const WORD_END: Tree = either(inOrder(AFTER_WORD, BEFORE_OTHER), inOrder(AFTER_OTHER, BEFORE_WORD));
export const NO_WORD_END: Tree = either(inOrder(AFTER_WORD, BEFORE_WORD), inOrder(AFTER_OTHER, BEFORE_OTHER));
