/**
 * Filters that make texts.
 */
import { characters } from '../values/code-points.js';
import { itemsOf } from '../values/iteration.js';
import { isNumber, toNumber } from '../values/numbers.js';
import { str } from '../values/python-text.js';
import { Tuple, type Value } from '../values/value.js';
import { countOf, flagOf, optionalText, textOf } from './given.js';
import { jsonText } from './json-text.js';
import { memberAt } from './members.js';
import { type Bound, type Builtin, builtin, type Runtime } from './runtime.js';
import { capitalized, linesOf, padded, replaced, stripped } from './text-parts.js';

/** @param run is given the value's text */
function onText(parameters: string, run: (text: string, args: Bound, runtime: Runtime) => Value): Builtin {
  return builtin(parameters, (value, args, runtime) => {
    const text = str(value, runtime.budget);
    runtime.budget.read(text);
    return run(text, args, runtime);
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' },
};
/** Half a character, which no encoding has. */
const LONE_SURROGATE = /\p{Cs}/gu;

const escape = onText('', (text, _args, { budget }) => {
  const escaped = text.replace(/[&<>"']/g, (one) => ESCAPES[one] ?? one);
  budget.make(escaped.length);
  return escaped;
});

export const TEXT_FILTERS: Readonly<Record<string, Builtin>> = {
  string: onText('', (text) => text),
  safe: onText('', (text) => text),
  escape,
  e: escape,
  forceescape: escape,
  upper: onText('', (text) => text.toUpperCase()),
  lower: onText('', (text) => text.toLowerCase()),
  capitalize: onText('', capitalized),
  title: onText('', (text) => text.replace(/[^-\s([{<]+/g, capitalized)),
  trim: onText('chars', (text, [set]) => stripped(text, optionalText(set), 'both')),
  replace: onText('old new count', (text, [old, by, most], { budget }) =>
    replaced(text, textOf(old), str(by ?? '', budget), countOf(most, -1), budget),
  ),
  center: onText('width', (text, [width], { budget }) =>
    padded(text, countOf(width, 80), ' ', 'center', budget),
  ),
  indent: onText('width first blank', indented),
  wordcount: onText('', (text) => text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
  wordwrap: onText('width break_long_words wrapstring', wrapped),
  truncate: onText('length killwords end leeway', truncated),
  striptags: onText('', (text) =>
    text
      .replace(/<!--[^]*?-->|<[^>]*>/g, '')
      .split(/\s+/)
      .filter((word) => word !== '')
      .join(' '),
  ),
  urlencode: onText('', (text) =>
    encodeURIComponent(text.replace(LONE_SURROGATE, '\ufffd')).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll('%2F', '/'),
  ), // prettier-ignore
  filesizeformat: builtin('binary', (value, [isBinary]) => fileSize(numberOf(value), flagOf(isBinary))),
  join: builtin('d attribute', joined),
  tojson: builtin('ensure_ascii indent separators sort_keys', toJson),
};

function indented(text: string, [width = 4, first, blank]: Bound, { budget }: Runtime): string {
  const by = typeof width === 'string' ? width : ' '.repeat(Math.max(0, spaces(countOf(width, 4), budget)));
  const lines = linesOf(`${text}\n`, false);
  budget.make(by.length * lines.length);
  const [head = '', ...rest] = lines;
  const more = rest.map((line) => (line !== '' || flagOf(blank) ? by + line : line));
  return [flagOf(first) ? by + head : head, ...more].join('\n');
}

function spaces(count: number, budget: Runtime['budget']): number {
  budget.make(Math.max(0, count));
  return count;
}

function joined(value: Value, [by, attribute]: Bound, runtime: Runtime): string {
  const { budget } = runtime;
  const items = itemsOf(value, budget).map((item) =>
    str(attribute === undefined || attribute === null ? item : memberAt(item, attribute, runtime), budget),
  );
  const between = str(by ?? '', budget);
  budget.make(items.reduce((sum, item) => sum + item.length + between.length, 0));
  return items.join(between);
}

function toJson(value: Value, [isAscii, indent, separators, isSorted]: Bound, { budget }: Runtime): string {
  const [between, behindKey] =
    separators instanceof Tuple || Array.isArray(separators) ? itemsOf(separators, budget).map(textOf) : [];
  const isOneLine = indent === undefined || indent === null;
  const form = {
    isAscii: flagOf(isAscii),
    indent: isOneLine ? undefined : typeof indent === 'string' ? indent : ' '.repeat(spaces(Math.max(0, countOf(indent, 0)), budget)), // prettier-ignore
    between: between ?? (isOneLine ? ', ' : ','),
    behindKey: behindKey ?? ': ',
    isSorted: flagOf(isSorted),
  };
  const text = jsonText(value, form, budget);
  budget.make(text.length);
  return text;
}

/** By words, unless they are longer than a line. */
function wrapped(text: string, [width, breaks, mark]: Bound): string {
  const most = Math.max(1, countOf(width, 79));
  const between = optionalText(mark) ?? '\n';
  return linesOf(text, false).map((line) => wrappedLine(line, most, flagOf(breaks, true)).join(between)).join(between); // prettier-ignore
}

function wrappedLine(line: string, most: number, breaks: boolean): string[] {
  const lines: string[] = [];
  let current = '';
  for (const piece of line.split(/(\s+)/).flatMap((word) => pieces(word, most, breaks))) {
    if (current !== '' && current.length + piece.length > most) {
      lines.push(current.trimEnd());
      current = '';
    }
    if (current !== '' || piece.trim() !== '' || lines.length === 0) current += piece;
  }
  return [...lines, current.trimEnd()];
}

function pieces(word: string, most: number, breaks: boolean): string[] {
  if (!breaks || word.length <= most) return [word];
  return Array.from({ length: Math.ceil(word.length / most) }, (_, index) =>
    word.slice(index * most, (index + 1) * most),
  );
}

/** A text that is hardly longer stays whole. */
const LEEWAY = 5;

function truncated(text: string, [length, kills, end, leeway]: Bound): string {
  const most = countOf(length, 255);
  const mark = optionalText(end) ?? '...';
  const all = characters(text);
  if (all.length <= most + countOf(leeway, LEEWAY)) return text;
  const kept = all.slice(0, Math.max(0, most - mark.length)).join('');
  if (flagOf(kills)) return kept + mark;
  const space = kept.lastIndexOf(' ');
  return (space < 0 ? kept : kept.slice(0, space)) + mark;
}

function numberOf(value: Value): number {
  if (isNumber(value)) return toNumber(value);
  const number = typeof value === 'string' ? Number(value) : NaN;
  if (Number.isNaN(number)) throw new Error('a number is needed');
  return number;
}

function fileSize(bytes: number, isBinary: boolean): string {
  const base = isBinary ? 1024 : 1000;
  if (bytes === 1) return '1 Byte';
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
  const units = Array.from('kMGTPEZY', (letter) => (isBinary ? `${letter.toUpperCase()}iB` : `${letter}B`));
  const power = Math.min(units.length, Math.floor(Math.log(bytes) / Math.log(base)));
  return `${(bytes / base ** power).toFixed(1)} ${units[power - 1]}`;
}
