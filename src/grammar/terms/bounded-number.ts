/**
 * Numbers between bounds, written without an exponent: an automaton that takes a digit only where some number within
 * the bounds begins so. Pure.
 */
import { KvrError } from '../../core/errors.js';
import type { Walker } from './terms.js';

/** Of each kind the strictest holds. */
export type Bounds = {
  readonly mins: readonly number[];
  readonly maxes: readonly number[];
  /** Bounds that are not reached themselves. */
  readonly above: readonly number[];
  readonly below: readonly number[];
  /** Numbers that it must be a multiple of. */
  readonly steps: readonly number[];
};

/** So many digits in all name different doubles: what lies between bounds as text does so as a number. */
const MAX_DIGITS = 15;
/** Values are whole numbers of 10^-SCALE. */
const SCALE = 24;
/** Of ten, worked out once: each digit of each token asks for some. */
const POWERS = Array.from({ length: 2 * SCALE + MAX_DIGITS }, (_, exponent) => 10n ** BigInt(exponent));
const UNIT = power(SCALE);
const LARGEST = power(MAX_DIGITS) - 1n;

/** Inclusive, and all a multiple of `step`, in units of 10^-SCALE. */
type Interval = { readonly low: bigint; readonly high: bigint; readonly step: bigint };

/** @returns undefined where no number lies between the bounds. @throws BAD_INPUT for bounds that are too fine */
export function boundedNumber(bounds: Bounds, isInteger: boolean): Walker | undefined {
  const lows = [...bounds.mins.map(scaled), ...bounds.above.map((value) => scaled(value) + 1n)];
  const highs = [...bounds.maxes.map(scaled), ...bounds.below.map((value) => scaled(value) - 1n)];
  const interval = {
    low: lows.reduce((most, low) => (low > most ? low : most), -LARGEST * UNIT),
    high: highs.reduce((least, high) => (high < least ? high : least), LARGEST * UNIT),
    step: bounds.steps.map(stepOf).reduce(leastMultiple, 1n),
  };
  const start = new NumberText('', interval, isInteger);
  return start.isPossible ? start : undefined;
}

/** @throws BAD_INPUT */
function stepOf(value: number): bigint {
  if (value > 0) return scaled(value);
  throw new KvrError('BAD_INPUT', `multipleOf of ${value} must be above 0`);
}

function leastMultiple(a: bigint, b: bigint): bigint {
  let [large, small] = [a, b];
  while (small > 0n) [large, small] = [small, large % small];
  return (a / large) * b;
}

/** @throws BAD_INPUT */
function scaled(value: number): bigint {
  const [mantissa = '', exponent = '0'] = value.toString().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = SCALE + Number(exponent) - fraction.length;
  if (Number.isFinite(value) && shift >= 0 && shift < 100) return BigInt(whole + fraction) * power(shift);
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
      const grown = value * power(more);
      if (this.#meets(grown, (power(more) - 1n) * UNIT)) return true;
    }
    if (this.#isInteger) return false;
    for (let more = 0; more <= shifts && more < left; more++)
      if (this.#meetsWithin(value * power(more), 0, left - more)) return true;
    return false;
  }

  /** Whether a number of at most `places` decimals lies between the bounds and begins with these `given` ones. */
  #meetsWithin(value: bigint, given: number, places: number): boolean {
    const grain = power(SCALE - Math.min(places, SCALE));
    return this.#meetsGrain(value, value + power(SCALE - given) - grain, grain);
  }

  /** Whether [value, value + span], of whole numbers or of one value, meets the bounds. */
  #meets(value: bigint, span: bigint): boolean {
    return this.#meetsGrain(value, value + span, span === 0n ? 1n : UNIT);
  }

  /** Whether a multiple of the grain and of the step lies between the values and within the bounds. */
  #meetsGrain(first: bigint, last: bigint, grain: bigint): boolean {
    const { low, high, step } = this.#ofMagnitude();
    const unit = step === 1n ? grain : leastMultiple(grain, step);
    const least = first > low ? first : low;
    const from = ((least + unit - 1n) / unit) * unit;
    return from <= last && from <= high;
  }

  /** The bounds of what stands behind the sign; never below 0. */
  #ofMagnitude(): Interval {
    const { low, high, step } = this.#interval;
    const [from, to] = this.#text.startsWith('-') ? [-high, -low] : [low, high];
    return { low: from > 0n ? from : 0n, high: to, step };
  }
}

const DIGITS = [...'0123456789'];

function digitsOf(text: string): number {
  return text.replace(/[-.]/g, '').length;
}

/** The magnitude of a text of digits, in units. */
function valueOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  return BigInt(whole + fraction || '0') * power(SCALE - fraction.length);
}

function power(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent);
}
