/**
 * Where the pattern of a normalizer or pre-tokenizer matches a text. Patterns come with a checkpoint: what runs them is
 * ended by tokenizer.ts where it takes too long. Called by normalizer, pre-tokenizer and split.
 */
import { regexOf } from '../files/hugging-face.js';

/** A stretch [start, end) of a text, in UTF-16 units. */
export type Span = { readonly start: number; readonly end: number; readonly isMatch: boolean };

/** White space as Unicode has it: JavaScript's \s adds U+FEFF and lacks U+0085. */
export const WHITE_SPACE = '\\p{White_Space}';
/** What \w stands for in the reference implementation's patterns. */
export const WORD_CHARACTER = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';

/** @param pattern {"String": plain text} or {"Regex": source}. @throws Error for anything else */
export function patternOf(pattern: unknown): RegExp {
  const { String: text, Regex: source } = (pattern ?? {}) as { String?: unknown; Regex?: unknown };
  if (typeof text === 'string') return new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'gu');
  if (typeof source === 'string') return regexOf(source);
  throw new Error('a pattern is neither String nor Regex');
}

/** All of a text as matches and what lies between them, in order. Empty matches count, but not right behind a match. */
export function spansOf(text: string, pattern: RegExp): Span[] {
  const spans: Span[] = [];
  let end = 0;
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const { index } = found;
    const { length } = found[0];
    if (length === 0) pattern.lastIndex = index + ((text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1);
    if (length === 0 && ((index === end && index > 0) || isWithinPair(text, index))) continue;
    if (end < index) spans.push({ start: end, end: index, isMatch: false });
    end = index + length;
    spans.push({ start: index, end, isMatch: true });
  }
  if (end < text.length) spans.push({ start: end, end: text.length, isMatch: false });
  return spans;
}

/** Empty matches of V8 may lie between the halves of a surrogate pair. */
function isWithinPair(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff;
}
