/**
 * JSON's own parts as terms: space, strings, numbers, any value. Space is bounded, since a model could go on with it
 * for ever; numbers are bounded so that every reader takes them for finite. Source: RFC 8259.
 */
import { ANY_CHARACTER } from './characters.js';
import {
  anyOf,
  byte,
  choice,
  later,
  optional,
  repeat,
  separated,
  sequence,
  type Term,
  text,
} from './terms.js';

/** Digits before and after the point; an exponent has at most two. */
const MAX_DIGITS = 18;
const MAX_INDENT = 24;

/** Nothing, a space, or a new line with its indent. */
export const SPACE = optional(choice(text(' '), sequence(text('\n'), repeat(anyOf(' \t'), 0, MAX_INDENT))));
export const COMMA = sequence(text(','), SPACE);
export const COLON = sequence(text(':'), SPACE);

/** @param characters of it, without the quotes */
export const quoted = (characters: Term): Term => sequence(text('"'), characters, text('"'));
export const STRING = quoted(repeat(ANY_CHARACTER));

const digits = (min: number, max: number): Term => repeat(byte([0x30, 0x39]), min, max);
export const INTEGER = sequence(
  optional(text('-')),
  choice(text('0'), sequence(byte([0x31, 0x39]), digits(0, MAX_DIGITS - 1))),
);
export const NUMBER = sequence(
  INTEGER,
  optional(sequence(text('.'), digits(1, MAX_DIGITS))),
  optional(sequence(anyOf('eE'), optional(anyOf('+-')), digits(1, 2))),
);
export const BOOLEAN = choice(text('true'), text('false'));
export const NULL = text('null');

export const ANY_VALUE = later(() => choice(ANY_OBJECT, ANY_ARRAY, STRING, NUMBER, BOOLEAN, NULL));
export const ANY_OBJECT = object(separated(sequence(STRING, COLON, ANY_VALUE), COMMA, 0, Infinity));
const ANY_ARRAY = array(separated(ANY_VALUE, COMMA, 0, Infinity));

export function object(members: Term): Term {
  return sequence(text('{'), SPACE, members, SPACE, text('}'));
}

export function array(items: Term): Term {
  return sequence(text('['), SPACE, items, SPACE, text(']'));
}
