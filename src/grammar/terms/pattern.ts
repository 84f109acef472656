/**
 * Regular expressions of JSON schemas as terms over the characters of a JSON string. Known: characters, classes,
 * groups, choices, repeats, and anchors at the ends; what is not known is refused by name. Source: ECMA-262, flag u.
 */
import { KvrError } from '../../core/errors.js';
import type { Meter } from '../limits/meter.js';
import { jsonCharacter, MAX_CODE_POINT, subtract } from './characters.js';
import { choice, NOTHING, type Range, repeat, sequence, type Term } from './terms.js';

export const MAX_PATTERN_CHARS = 1000;
const MAX_REPEATS = 1000;
const MAX_GROUPS_DEEP = 32;
/** Bytes in UTF-8 and escapes that a range of characters comes to, at most about so many. */
const TERMS_PER_RANGE = 24;
/** Comparisons of ranges that take about the time of making a term. */
const COMPARED_PER_TERM = 4;

const ALL: readonly Range[] = [[0, MAX_CODE_POINT]];
const LINE_ENDS: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const BUT_LINE_ENDS = subtract(ALL, LINE_ENDS);
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
const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  d: DIGITS,
  D: subtract(ALL, DIGITS),
  w: WORD,
  W: subtract(ALL, WORD),
  s: SPACES,
  S: subtract(ALL, SPACES),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b, f: 0x0c, 0: 0 };
const ANYTHING = repeat(jsonCharacter(ALL));

/** @returns a string's characters, without the quotes. @throws BAD_INPUT naming what is not known */
export function patternTerm(pattern: string, meter: Meter): Term {
  if (pattern.length > MAX_PATTERN_CHARS) {
    const message = `a pattern of ${pattern.length} characters is longer than ${MAX_PATTERN_CHARS}, the limit; give a shorter one`;
    throw new KvrError('BAD_INPUT', message);
  }
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    throw new KvrError(
      'BAD_INPUT',
      'a pattern is not a regular expression; write one of ECMAScript',
      {},
      error,
    );
  }
  meter.spend(2 * pattern.length);
  return new PatternReader([...pattern], meter).read();
}

/** Reads a pattern that RegExp has taken, so that its form need not be checked again. */
class PatternReader {
  readonly #chars: readonly string[];
  readonly #meter: Meter;
  /** By their ranges: patterns name the same characters again and again. */
  readonly #characters = new Map<string, Term>();
  #at = 0;
  #depth = 0;

  constructor(chars: readonly string[], meter: Meter) {
    this.#chars = chars;
    this.#meter = meter;
  }

  /** A pattern without anchors is looked for anywhere in the string. */
  read(): Term {
    const options: Term[] = [];
    do {
      const before = this.#take('^') ? NOTHING : ANYTHING;
      const body = this.#sequence();
      options.push(sequence(before, body, this.#take('$') ? NOTHING : ANYTHING));
    } while (this.#take('|'));
    if (this.#peek !== undefined) throw unknown('an anchor inside of it');
    return choice(...options);
  }

  get #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #take(char: string): boolean {
    if (this.#peek !== char) return false;
    this.#at++;
    return true;
  }

  #sequence(): Term {
    const parts: Term[] = [];
    while (this.#peek !== undefined && !'|)$^'.includes(this.#peek)) parts.push(this.#repeated(this.#atom()));
    return sequence(...parts);
  }

  #atom(): Term {
    const char = this.#chars[this.#at++] as string;
    if (char === '(') return this.#group();
    if (char === '[') return this.#character(this.#class());
    if (char === '.') return this.#character(BUT_LINE_ENDS);
    if (char === '\\') return this.#character(this.#escape());
    return this.#character([pointRange(char)]);
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

  #group(): Term {
    if (++this.#depth > MAX_GROUPS_DEEP) throw unknown(`groups deeper than ${MAX_GROUPS_DEEP}`);
    if (this.#take('?') && !this.#take(':')) throw unknown('"(?" other than "(?:"');
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    if (!this.#take(')')) throw unknown('an anchor inside of it');
    this.#depth--;
    return choice(...options);
  }

  #repeated(part: Term): Term {
    const counts = this.#counts();
    if (!counts) return part;
    // Lazy or not, the same texts match.
    this.#take('?');
    const [min, max] = counts;
    if (min > MAX_REPEATS || (max > MAX_REPEATS && max !== Infinity))
      throw unknown(`a repeat of more than ${MAX_REPEATS}`);
    return repeat(part, min, max);
  }

  #counts(): readonly [min: number, max: number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (!this.#take('{')) return undefined;
    const [min = '', max] = this.#until('}').split(',');
    return [Number(min), max === undefined ? Number(min) : max === '' ? Infinity : Number(max)];
  }

  #class(): Range[] {
    const isNegated = this.#take('^');
    const ranges: Range[] = [];
    while (!this.#take(']')) {
      const from = this.#classAtom();
      const isRange = this.#peek === '-' && this.#chars[this.#at + 1] !== ']';
      if (!isRange) ranges.push(...from);
      else {
        this.#at++;
        const to = this.#classAtom();
        ranges.push([from[0]?.[0] ?? 0, to[0]?.[1] ?? 0]);
      }
    }
    // Each range is compared with the others.
    this.#meter.spend((ranges.length * ranges.length) / COMPARED_PER_TERM);
    return isNegated ? subtract(ALL, ranges) : subtract(ranges, []);
  }

  #classAtom(): readonly Range[] {
    const char = this.#chars[this.#at++] as string;
    if (char !== '\\') return [pointRange(char)];
    return this.#take('b') ? [[0x08, 0x08]] : this.#escape();
  }

  #escape(): readonly Range[] {
    const char = this.#chars[this.#at++] as string;
    const ranges = Object.hasOwn(CLASSES, char) ? CLASSES[char] : undefined;
    if (ranges) return ranges;
    const control = Object.hasOwn(CONTROLS, char) ? CONTROLS[char] : undefined;
    if (control !== undefined) return [[control, control]];
    if (char === 'x') return this.#point(2);
    if (char === 'u') return this.#take('{') ? [hexRange(this.#until('}'))] : this.#point(4);
    if (/[A-Za-z0-9]/.test(char)) throw unknown(`\\${char}`);
    return [pointRange(char)];
  }

  #point(digits: number): readonly Range[] {
    const hex = this.#chars.slice(this.#at, this.#at + digits).join('');
    this.#at += digits;
    return [hexRange(hex)];
  }

  #until(end: string): string {
    const start = this.#at;
    while (!this.#take(end)) this.#at++;
    return this.#chars.slice(start, this.#at - 1).join('');
  }
}

function pointRange(char: string): Range {
  const point = char.codePointAt(0) ?? 0;
  return [point, point];
}

function hexRange(hex: string): Range {
  const point = Number.parseInt(hex, 16);
  return [point, point];
}

function unknown(what: string): KvrError {
  return new KvrError('BAD_INPUT', `a pattern has ${what}, which is not supported; write it another way`);
}
