/**
 * Python's ways to trim, split and replace, which filters and methods of texts share.
 */
import type { Budget } from '../values/budget.js';
import { characters } from '../values/code-points.js';

/** What Python takes for white space; JavaScript has U+FEFF too, and lacks U+0085 and the four separators. */
const WHITE_SPACE =
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';
const LINE_END = new RegExp('(\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])');
const WORDS = new RegExp(`[^${WHITE_SPACE}]+`, 'g');

/** @param set any of these characters is taken off; white space unless given */
export function stripped(text: string, set: string | undefined, ends: 'both' | 'left' | 'right'): string {
  const taken = new Set(set === undefined ? WHITE_SPACE : characters(set));
  const all = characters(text);
  let start = 0;
  let end = all.length;
  while (ends !== 'right' && start < end && taken.has(all[start] as string)) start += 1;
  while (ends !== 'left' && start < end && taken.has(all[end - 1] as string)) end -= 1;
  return all.slice(start, end).join('');
}

/** @param most how many times it is split; below 0 without a limit */
export function split(text: string, separator: string | undefined, most: number): string[] {
  if (separator === undefined) return splitWords(text, most);
  if (separator === '') throw new Error('an empty separator');
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

export function splitFromRight(text: string, separator: string | undefined, most: number): string[] {
  const parts = separator === undefined ? splitWords(text, -1) : split(text, separator, -1);
  if (most < 0 || parts.length <= most + 1) return parts;
  if (separator !== undefined)
    return [parts.slice(0, parts.length - most).join(separator), ...parts.slice(parts.length - most)];
  const kept = parts.slice(parts.length - most);
  let rest = stripped(text, undefined, 'right');
  for (const part of kept.toReversed()) rest = stripped(rest.slice(0, -part.length), undefined, 'right');
  return [rest, ...kept];
}

function splitWords(text: string, most: number): string[] {
  const words = Array.from(text.matchAll(WORDS));
  if (most < 0 || words.length <= most) return words.map(([word]) => word);
  return [...words.slice(0, most).map(([word]) => word), text.slice(words[most]?.index)];
}

/** @param most how many are replaced, the first ones; below 0 all */
export function replaced(text: string, old: string, by: string, most: number, budget: Budget): string {
  const parts = old === '' ? ['', ...characters(text), ''] : text.split(old);
  const count = Math.min(parts.length - 1, most < 0 ? Infinity : most);
  budget.make(text.length + Math.max(0, count * (by.length - old.length)));
  budget.read(text);
  if (count === parts.length - 1) return parts.join(by);
  return [...parts.slice(0, count), parts.slice(count).join(old)].join(by);
}

/** As str.splitlines, with the line ends that JSON and chats have. */
export function linesOf(text: string, keepsEnds: boolean): string[] {
  const parts = text.split(LINE_END);
  const lines = parts.filter((_, index) => index % 2 === 0);
  const all = keepsEnds ? lines.map((line, index) => line + (parts[2 * index + 1] ?? '')) : lines;
  return lines.at(-1) === '' ? all.slice(0, -1) : all;
}

/** @param side where the text stands. @throws BAD_INPUT for a width above the budget */
export function padded(
  text: string,
  width: number,
  fill: string,
  side: 'left' | 'right' | 'center',
  budget: Budget,
): string {
  const missing = Math.max(0, width - characters(text).length);
  budget.make(missing);
  // As Python: the odd one goes left where the width is odd.
  const before =
    side === 'left' ? 0 : side === 'right' ? missing : Math.floor(missing / 2) + (missing & width & 1);
  return fill.repeat(before) + text + fill.repeat(missing - before);
}

export function capitalized(text: string): string {
  const [first = '', ...rest] = characters(text);
  return first.toUpperCase() + rest.join('').toLowerCase();
}
