/**
 * Reads regular expressions of JSON schemas: characters, classes, groups, choices, repeats, anchors, looks ahead and behind,
 * Unicode properties. What is no regular language (references back) is refused by name. Source: ECMA-262, flag u.
 */
import { KvrError } from '../../core/errors.js';
import type { Meter } from '../limits/meter.js';
import { subtract } from '../terms/characters.js';
import type { Range } from '../terms/terms.js';
import { ALL, BUT_LINE_ENDS, CLASSES, CONTROLS, END, NO_WORD_END, START, WORD_END } from './classes.js';
import { asEcmaScript } from './dialects.js';
import { PROPERTY_WORK, propertyRanges } from './properties.js';
import { chars, either, inOrder, look, times, type Tree } from './tree.js';

const MAX_PATTERN_CHARS = 1000;
const MAX_REPEATS = 1000;
const MAX_GROUPS_DEEP = 32;
/** Comparisons of ranges that take about the time of making a term. */
const COMPARED_PER_TERM = 4;

/** @throws BAD_INPUT naming what is not known */
export function readPattern(pattern: string, meter: Meter): Tree {
  if (pattern.length > MAX_PATTERN_CHARS) {
    const message = `a pattern of ${pattern.length} characters is longer than ${MAX_PATTERN_CHARS}, the limit; give a shorter one`;
    throw new KvrError('BAD_INPUT', message);
  }
  meter.spend(2 * pattern.length);
  return new PatternReader([...asEcmaScript(pattern)], meter).read();
}

/** Reads a pattern that RegExp has taken, so that its form need not be checked again. */
class PatternReader {
  readonly #chars: readonly string[];
  readonly #meter: Meter;
  #at = 0;
  #depth = 0;

  constructor(all: readonly string[], meter: Meter) {
    this.#chars = all;
    this.#meter = meter;
  }

  read(): Tree {
    return this.#options();
  }

  get #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #take(text: string): boolean {
    for (let index = 0; index < text.length; index++)
      if (this.#chars[this.#at + index] !== text[index]) return false;
    this.#at += text.length;
    return true;
  }

  #options(): Tree {
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    return options.length === 1 ? (options[0] as Tree) : either(...options);
  }

  #sequence(): Tree {
    const parts: Tree[] = [];
    while (this.#peek !== undefined && !'|)'.includes(this.#peek)) parts.push(this.#repeated(this.#atom()));
    return inOrder(...parts);
  }

  #atom(): Tree {
    const char = this.#chars[this.#at++] as string;
    if (char === '^') return START;
    if (char === '$') return END;
    if (char === '(') return this.#group();
    if (char === '[') return chars(this.#class());
    if (char === '.') return chars(BUT_LINE_ENDS);
    if (char !== '\\') return chars([pointRange(char)]);
    if (this.#take('b')) return WORD_END;
    return this.#take('B') ? NO_WORD_END : chars(this.#escape());
  }

  #group(): Tree {
    if (++this.#depth > MAX_GROUPS_DEEP) throw unknown(`groups deeper than ${MAX_GROUPS_DEEP}`);
    const wrap = this.#groupKind();
    const body = this.#options();
    this.#at++;
    this.#depth--;
    return wrap(body);
  }

  #groupKind(): (body: Tree) => Tree {
    if (!this.#take('?') || this.#take(':')) return (body) => body;
    const isBehind = this.#take('<');
    for (const [sign, isNegated] of [
      ['=', false],
      ['!', true],
    ] as const)
      if (this.#take(sign)) return (body) => look(body, isBehind, isNegated);
    if (!isBehind) throw unknown('a group with flags');
    this.#until('>');
    return (body) => body;
  }

  #repeated(part: Tree): Tree {
    const counts = this.#counts();
    if (!counts) return part;
    // Lazy or not, the same texts match.
    this.#take('?');
    const [min, max] = counts;
    if (min > MAX_REPEATS || (max > MAX_REPEATS && max !== Infinity))
      throw unknown(`a repeat of more than ${MAX_REPEATS}`);
    return times(part, min, max);
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
    if (char === 'p' || char === 'P') return this.#property(char === 'P');
    if (char === 'c') return [controlRange(this.#chars[this.#at++] as string)];
    if (char === 'x') return this.#point(2);
    if (char === 'u') return this.#take('{') ? [hexRange(this.#until('}'))] : this.#point(4);
    if (/[A-Za-z0-9]/.test(char)) throw unknown(`\\${char}`);
    return [pointRange(char)];
  }

  #property(isNegated: boolean): readonly Range[] {
    this.#meter.spend(PROPERTY_WORK);
    this.#at++;
    const ranges = propertyRanges(this.#until('}'));
    return isNegated ? subtract(ALL, ranges) : ranges;
  }

  /** Two escapes of four digits may be the halves of one character. */
  #point(digits: number): readonly Range[] {
    const first = this.#hex(digits);
    if (first < 0xd800 || first > 0xdbff || !this.#take('\\u')) return [[first, first]];
    const point = 0x10000 + ((first - 0xd800) << 10) + (this.#hex(4) - 0xdc00);
    return [[point, point]];
  }

  #hex(digits: number): number {
    const hex = this.#chars.slice(this.#at, this.#at + digits).join('');
    this.#at += digits;
    return Number.parseInt(hex, 16);
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

function controlRange(letter: string): Range {
  const point = letter.charCodeAt(0) % 32;
  return [point, point];
}

function hexRange(hex: string): Range {
  const point = Number.parseInt(hex, 16);
  return [point, point];
}

function unknown(what: string): KvrError {
  return new KvrError('BAD_INPUT', `a pattern has ${what}, which is not supported; write it another way`);
}
