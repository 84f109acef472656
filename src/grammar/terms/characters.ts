/**
 * Characters as bytes: ranges of code points in UTF-8, and as they stand inside a JSON string. Pure.
 */
import { anyOf, byte, choice, type Range, sequence, type Term, text } from './terms.js';

export const MAX_CODE_POINT = 0x10ffff;
/** Last code points of one, two, three and four bytes of UTF-8. */
const LASTS = [0x7f, 0x7ff, 0xffff, MAX_CODE_POINT];
const SURROGATES: Range = [0xd800, 0xdfff];
const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  0x08: 'b',
  0x09: 't',
  0x0a: 'n',
  0x0c: 'f',
  0x0d: 'r',
  0x22: '"',
  0x5c: '\\',
};
const MUST_ESCAPE: readonly Range[] = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];

/** One character of these ranges, as JSON writes it: escaped where it must be, else as it is. */
export function jsonCharacter(ranges: readonly Range[]): Term {
  const plain = subtract(ranges, [...MUST_ESCAPE, SURROGATES]);
  const escaped = intersect(ranges, MUST_ESCAPE).flatMap(pointsOf);
  return choice(...plain.flatMap(([first, last]) => utf8(first, last)), ...escaped.map(escapeOf));
}

/** One character of these ranges as it is, in UTF-8. */
export function utf8Character(ranges: readonly Range[]): Term {
  return choice(...subtract(ranges, [SURROGATES]).flatMap(([first, last]) => utf8(first, last)));
}

const HEX = '0123456789abcdefABCDEF';
const hex = (count: number): Term[] => Array.from({ length: count }, () => anyOf(HEX));
/** The two halves of a surrogate pair only come together: one alone is not a character. */
const UNICODE_ESCAPE = choice(
  sequence(anyOf('0123456789abcefABCEF'), ...hex(3)),
  sequence(anyOf('dD'), anyOf('01234567'), ...hex(2)),
  sequence(anyOf('dD'), anyOf('89abAB'), ...hex(2), text('\\u'), anyOf('dD'), anyOf('cdefCDEF'), ...hex(2)),
);
/** Any one character of a JSON string, however it is written. */
export const ANY_CHARACTER = choice(
  ...subtract([[0, MAX_CODE_POINT]], [...MUST_ESCAPE, SURROGATES]).flatMap(([first, last]) =>
    utf8(first, last),
  ),
  sequence(text('\\'), choice(anyOf('"\\/bfnrt'), sequence(text('u'), UNICODE_ESCAPE))),
);

function escapeOf(point: number): Term {
  const short = SHORT_ESCAPES[point];
  return text(short === undefined ? `\\u${point.toString(16).padStart(4, '0')}` : `\\${short}`);
}

/** The ranges without those of the others; sorted, apart. */
export function subtract(ranges: readonly Range[], others: readonly Range[]): Range[] {
  return others.reduce<Range[]>(
    (left, [from, to]) =>
      left.flatMap(([first, last]): Range[] => [
        ...(first < from ? [[first, Math.min(last, from - 1)] as const] : []),
        ...(last > to ? [[Math.max(first, to + 1), last] as const] : []),
      ]),
    merged(ranges),
  );
}

export function intersect(ranges: readonly Range[], others: readonly Range[]): Range[] {
  return subtract(ranges, subtract([[0, MAX_CODE_POINT]], others));
}

function merged(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const result: Range[] = [];
  for (const [first, last] of sorted) {
    const before = result.at(-1);
    if (before && first <= before[1] + 1) result[result.length - 1] = [before[0], Math.max(before[1], last)];
    else result.push([first, last]);
  }
  return result;
}

function pointsOf([first, last]: Range): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Byte sequences of the code points [first, last], none of them a surrogate. */
function utf8(first: number, last: number): Term[] {
  const border = LASTS.find((end) => first <= end && last > end);
  if (border !== undefined) return [...utf8(first, border), ...utf8(border + 1, last)];
  return alike(encode(first), encode(last));
}

function encode(point: number): number[] {
  return [...Buffer.from(String.fromCodePoint(point))];
}

/** Sequences of one length, from `first` to `last` in order of their bytes. */
function alike(first: readonly number[], last: readonly number[]): Term[] {
  const [a = 0, ...restA] = first;
  const [z = 0, ...restZ] = last;
  if (restA.length === 0) return [byte([a, z])];
  const lowest = restA.map(() => 0x80);
  const highest = restA.map(() => 0xbf);
  const join = (from: number, to: number, tails: Term[]): Term[] => [
    sequence(byte([from, to]), choice(...tails)),
  ];
  if (a === z) return join(a, a, alike(restA, restZ));
  const isWholeA = restA.every((value) => value === 0x80);
  const isWholeZ = restZ.every((value) => value === 0xbf);
  const from = isWholeA ? a : a + 1;
  const to = isWholeZ ? z : z - 1;
  return [
    ...(isWholeA ? [] : join(a, a, alike(restA, highest))),
    ...(from <= to ? join(from, to, alike(lowest, highest)) : []),
    ...(isWholeZ ? [] : join(z, z, alike(lowest, restZ))),
  ];
}
