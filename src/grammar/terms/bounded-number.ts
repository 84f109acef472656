/**
 * Numbers between bounds, written without an exponent: an automaton that takes a digit only where some number within
 * the bounds begins so. Pure.
 */
import { KvrError } from '../../core/errors.js';
import type { Walker } from './terms.js';

export type Bounds = {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly exclusiveMin?: number | undefined;
  readonly exclusiveMax?: number | undefined;
};

/** So many digits in all name different doubles: what lies between bounds as text does so as a number. */
const MAX_DIGITS = 15;
/** Values are whole numbers of 10^-SCALE. */
const SCALE = 24;
const UNIT = 10n ** BigInt(SCALE);
const LARGEST = 10n ** BigInt(MAX_DIGITS) - 1n;

/** Inclusive, in units of 10^-SCALE. */
type Interval = { readonly low: bigint; readonly high: bigint };

/** @returns undefined where no number lies between the bounds. @throws BAD_INPUT for bounds that are too fine */
export function boundedNumber(bounds: Bounds, isInteger: boolean): Walker | undefined {
  const lows = [
    ...(bounds.min === undefined ? [] : [scaled(bounds.min)]),
    ...(bounds.exclusiveMin === undefined ? [] : [scaled(bounds.exclusiveMin) + 1n]),
  ];
  const highs = [
    ...(bounds.max === undefined ? [] : [scaled(bounds.max)]),
    ...(bounds.exclusiveMax === undefined ? [] : [scaled(bounds.exclusiveMax) - 1n]),
  ];
  const interval = {
    low: lows.reduce((most, low) => (low > most ? low : most), -LARGEST * UNIT),
    high: highs.reduce((least, high) => (high < least ? high : least), LARGEST * UNIT),
  };
  const start = new NumberText('', interval, isInteger);
  return start.isPossible ? start : undefined;
}

/** @throws BAD_INPUT */
function scaled(value: number): bigint {
  const [mantissa = '', exponent = '0'] = value.toString().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = SCALE + Number(exponent) - fraction.length;
  if (Number.isFinite(value) && shift >= 0 && shift < 100)
    return BigInt(whole + fraction) * 10n ** BigInt(shift);
  throw new KvrError('BAD_INPUT', `the bound ${value} is too fine or too large; round it`);
}

class NumberText implements Walker {
  readonly canEnd: boolean;
  readonly #text: string;
  readonly #interval: Interval;
  readonly #isInteger: boolean;
  readonly #next = new Map<number, NumberText | undefined>();

  constructor(text: string, interval: Interval, isInteger: boolean) {
    this.#text = text;
    this.#interval = interval;
    this.#isInteger = isInteger;
    this.canEnd = /\d$/.test(text) && this.#meets(valueOf(text), 0n);
  }

  get isPossible(): boolean {
    const text = this.#text;
    if (text === '') return ['-', ...DIGITS].some((char) => this.next(char.charCodeAt(0)) !== undefined);
    if (text === '-') return DIGITS.some((char) => this.next(char.charCodeAt(0)) !== undefined);
    return this.canEnd || this.#canGoOn();
  }

  next(byte: number): NumberText | undefined {
    if (!this.#next.has(byte)) this.#next.set(byte, this.#make(this.#text + String.fromCharCode(byte)));
    return this.#next.get(byte);
  }

  #make(text: string): NumberText | undefined {
    const form = this.#isInteger ? /^-?(0|[1-9]\d*)?$/ : /^-?((0|[1-9]\d*)(\.\d*)?)?$/;
    if (!form.test(text) || digitsOf(text) > MAX_DIGITS) return undefined;
    const next = new NumberText(text, this.#interval, this.#isInteger);
    return next.isPossible ? next : undefined;
  }

  /** Whether more digits can lead between the bounds. */
  #canGoOn(): boolean {
    const text = this.#text;
    const value = valueOf(text);
    const left = MAX_DIGITS - digitsOf(text);
    const [, fraction] = text.split('.');
    if (fraction !== undefined)
      return left > 0 && this.#meetsWithin(value, fraction.length, fraction.length + left);
    // Nothing follows a leading zero but a point.
    const shifts = /^-?0$/.test(text) ? 0 : left;
    for (let more = 1; more <= shifts; more++) {
      const grown = value * 10n ** BigInt(more);
      if (this.#meets(grown, (10n ** BigInt(more) - 1n) * UNIT)) return true;
    }
    if (this.#isInteger) return false;
    for (let more = 0; more <= shifts && more < left; more++)
      if (this.#meetsWithin(value * 10n ** BigInt(more), 0, left - more)) return true;
    return false;
  }

  /** Whether a number of at most `places` decimals lies between the bounds and begins with these `given` ones. */
  #meetsWithin(value: bigint, given: number, places: number): boolean {
    const step = 10n ** BigInt(SCALE - Math.min(places, SCALE));
    const span = 10n ** BigInt(SCALE - given) - step;
    const { low, high } = this.#ofMagnitude();
    const from = value > low ? value : ((low + step - 1n) / step) * step;
    return from <= value + span && from <= high;
  }

  /** Whether [value, value + span], of whole numbers or of one value, meets the bounds. */
  #meets(value: bigint, span: bigint): boolean {
    const { low, high } = this.#ofMagnitude();
    const whole = span === 0n ? low : ((low + UNIT - 1n) / UNIT) * UNIT;
    const from = value > whole ? value : whole;
    return from <= value + span && from <= high;
  }

  /** The bounds of what stands behind the sign; never below 0. */
  #ofMagnitude(): Interval {
    const { low, high } = this.#interval;
    const [from, to] = this.#text.startsWith('-') ? [-high, -low] : [low, high];
    return { low: from > 0n ? from : 0n, high: to };
  }
}

const DIGITS = [...'0123456789'];

function digitsOf(text: string): number {
  return text.replace(/[-.]/g, '').length;
}

/** The magnitude of a text of digits, in units. */
function valueOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  return BigInt(whole + fraction || '0') * 10n ** BigInt(SCALE - fraction.length);
}
