/**
 * Methods of texts, as Python has them.
 */
import { bounded, characterCount, characters, placeOf } from '../values/code-points.js';
import { itemsOf } from '../values/iteration.js';
import { Tuple, type Value } from '../values/value.js';
import { countOf, flagOf, optionalText, textOf, textsOf } from './given.js';
import { type Bound, type Builtin, builtin } from './runtime.js';
import { capitalized, linesOf, padded, replaced, split, splitFromRight, stripped } from './text-parts.js';

const plain = (run: (text: string) => Value): Builtin<string> => builtin('', run);
const strip = (ends: 'both' | 'left' | 'right'): Builtin<string> =>
  builtin('chars', (text, [set]) => stripped(text, optionalText(set), ends));
const pad = (side: 'left' | 'right' | 'center'): Builtin<string> =>
  builtin('width fillchar', (text, [width, fill], { budget }) =>
    padded(text, countOf(width, 0), optionalText(fill) ?? ' ', side, budget),
  );

export const TEXT_METHODS: Readonly<Record<string, Builtin<string>>> = {
  strip: strip('both'),
  lstrip: strip('left'),
  rstrip: strip('right'),
  split: builtin('sep maxsplit', (text, [by, most]) => split(text, optionalText(by), countOf(most, -1))),
  rsplit: builtin('sep maxsplit', (text, [by, most]) =>
    splitFromRight(text, optionalText(by), countOf(most, -1)),
  ),
  splitlines: builtin('keepends', (text, [keeps]) => linesOf(text, flagOf(keeps))),
  partition: builtin('sep', (text, [by]) => parted(text, textOf(by), text.indexOf(textOf(by)), true)),
  rpartition: builtin('sep', (text, [by]) => parted(text, textOf(by), text.lastIndexOf(textOf(by)), false)),
  replace: builtin('old new count', (text, [old, by, most], { budget }) =>
    replaced(text, textOf(old), textOf(by), countOf(most, -1), budget),
  ),
  startswith: builtin('prefix start end', (text, [prefix, ...range]) =>
    textsOf(prefix).some((one) => part(text, range).startsWith(one)),
  ),
  endswith: builtin('suffix start end', (text, [suffix, ...range]) =>
    textsOf(suffix).some((one) => part(text, range).endsWith(one)),
  ),
  find: builtin('sub start end', (text, [sub, ...range]) => place(text, textOf(sub), range, 'indexOf')),
  rfind: builtin('sub start end', (text, [sub, ...range]) => place(text, textOf(sub), range, 'lastIndexOf')),
  index: builtin('sub start end', (text, [sub, ...range]) =>
    found(place(text, textOf(sub), range, 'indexOf')),
  ),
  rindex: builtin('sub start end', (text, [sub, ...range]) =>
    found(place(text, textOf(sub), range, 'lastIndexOf')),
  ),
  count: builtin('sub start end', (text, [sub, ...range]) => occurrences(part(text, range), textOf(sub))),
  join: builtin('iterable', (text, [items = []], { budget }) => {
    const texts = itemsOf(items, budget).map(textOf);
    budget.make(texts.reduce((sum, one) => sum + one.length + text.length, 0));
    return texts.join(text);
  }),
  upper: plain((text) => text.toUpperCase()),
  lower: plain((text) => text.toLowerCase()),
  casefold: plain((text) => text.toLowerCase().replaceAll('ß', 'ss')),
  capitalize: plain(capitalized),
  title: plain((text) => text.replace(/\p{L}+/gu, capitalized)),
  swapcase: plain((text) =>
    Array.from(text, (one) => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase())).join(''),
  ),
  removeprefix: builtin('prefix', (text, [prefix]) =>
    text.startsWith(textOf(prefix)) ? text.slice(textOf(prefix).length) : text,
  ),
  removesuffix: builtin('suffix', (text, [suffix]) =>
    text.endsWith(textOf(suffix)) ? text.slice(0, text.length - textOf(suffix).length) : text,
  ),
  ljust: pad('left'),
  rjust: pad('right'),
  center: pad('center'),
  zfill: builtin('width', (text, [width], { budget }) => {
    const sign = /^[+-]/.exec(text)?.[0] ?? '';
    return sign + padded(text.slice(sign.length), countOf(width, 0) - sign.length, '0', 'right', budget);
  }),
  expandtabs: builtin('tabsize', (text, [size], { budget }) => {
    const width = countOf(size, 8);
    budget.make(Math.max(0, width) * occurrences(text, '\t'));
    return linesOf(text, true)
      .map((line) => expanded(line, width))
      .join('');
  }),
  isdigit: plain((text) => /^[\p{Nd}²³¹⁰-₉]+$/u.test(text)),
  isdecimal: plain((text) => /^\p{Nd}+$/u.test(text)),
  isnumeric: plain((text) => /^[\p{Nd}\p{No}\p{Nl}]+$/u.test(text)),
  isalpha: plain((text) => /^\p{L}+$/u.test(text)),
  isalnum: plain((text) => /^[\p{L}\p{Nd}\p{No}\p{Nl}]+$/u.test(text)),
  isspace: plain((text) => text !== '' && stripped(text, undefined, 'both') === ''),
  isupper: plain((text) => text !== text.toLowerCase() && text === text.toUpperCase()),
  islower: plain((text) => text !== text.toUpperCase() && text === text.toLowerCase()),
  istitle: plain((text) => /\p{L}/u.test(text) && text === text.replace(/\p{L}+/gu, capitalized)),
  isascii: plain((text) => !/[^\0-\x7f]/.test(text)),
  isidentifier: plain((text) => /^[\p{L}_][\p{L}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u.test(text)),
};

function part(text: string, [start, end]: Bound): string {
  if (start === undefined && end === undefined) return text;
  const all = characters(text);
  const [first, last] = bounded(all.length, countOf(start, 0), countOf(end, all.length));
  return all.slice(first, last).join('');
}

function place(text: string, sub: string, range: Bound, way: 'indexOf' | 'lastIndexOf'): number {
  const within = part(text, range);
  const at = placeOf(within, within[way](sub));
  return at < 0 ? at : at + bounded(characterCount(text), countOf(range[0], 0), undefined)[0];
}

function found(at: number): number {
  if (at >= 0) return at;
  throw new Error('substring not found');
}

function occurrences(text: string, sub: string): number {
  return sub === '' ? characterCount(text) + 1 : text.split(sub).length - 1;
}

/** @param isFirst where there is none, the text stands first, else last */
function parted(text: string, by: string, at: number, isFirst: boolean): Tuple {
  if (at < 0) return new Tuple(isFirst ? [text, '', ''] : ['', '', text]);
  return new Tuple([text.slice(0, at), by, text.slice(at + by.length)]);
}

function expanded(line: string, width: number): string {
  let text = '';
  for (const one of characters(line))
    text += one === '\t' ? ' '.repeat(width > 0 ? width - (text.length % width) : 0) : one;
  return text;
}
