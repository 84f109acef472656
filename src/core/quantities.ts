/**
 * Quantities with units that people type: numbers of tokens, speeds of links, short times. Strict: the whole text is one, inside its bounds, or an error says what to type.
 */
import { KvrError } from './errors.js';

/** 1k tokens are 1,024, as contexts are counted everywhere. */
const TOKEN_UNITS = { '': 1, k: 1024, M: 1_048_576 } as const;
/** Bytes a second. Bits for names in bit, bytes for names in B, as on data sheets; k is 1,000. */
const RATE_UNITS = {
  'Mbit/s': 1e6 / 8,
  'Gbit/s': 1e9 / 8,
  'MB/s': 1e6,
  'GB/s': 1e9,
  Mbit: 1e6 / 8,
  Gbit: 1e9 / 8,
} as const;
const TIME_UNITS = { us: 1e-3, ms: 1, s: 1000 } as const;

export const MAX_CONTEXT_TOKENS = 1_048_576;
const MIN_BYTES_PER_S = 1e3;
const MAX_BYTES_PER_S = 1e13;
const MAX_LATENCY_MS = 10_000;
/** What is repeated of a value that is none. */
const SHOWN_CHARS = 40;

/** '512', '16k', '1M' → tokens. @throws BAD_INPUT */
export function parseTokens(flag: string, text: string): number {
  const value = quantity(text, TOKEN_UNITS);
  if (value !== undefined && Number.isInteger(value) && value >= 1 && value <= MAX_CONTEXT_TOKENS)
    return value;
  throw bad(flag, text, 'a whole number of tokens from 1 to 1M, as in 512 or 16k');
}

/** '10Gbit', '200Mbit', '12GB/s' → bytes a second. @throws BAD_INPUT */
export function parseRate(flag: string, text: string): number {
  const value = quantity(text, RATE_UNITS);
  if (value !== undefined && value >= MIN_BYTES_PER_S && value <= MAX_BYTES_PER_S) return value;
  throw bad(flag, text, 'a speed from 0.008Mbit to 10000GB/s, as in 10Gbit, 200Mbit or 12GB/s');
}

/** '50us', '1ms' → milliseconds. @throws BAD_INPUT */
export function parseDuration(flag: string, text: string): number {
  const value = quantity(text, TIME_UNITS);
  if (value !== undefined && value <= MAX_LATENCY_MS) return value;
  throw bad(flag, text, 'a time from 0us to 10s, as in 50us or 1ms');
}

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,9})?)([A-Za-z/]*)$/.exec(text) ?? [];
  const factor = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Number(digits) * factor;
}

function bad(flag: string, text: string, remedy: string): KvrError {
  return new KvrError('BAD_INPUT', `${flag} ${shown(text)} is not understood; give ${remedy}`, { flag });
}

/** A typed text as a message repeats it. */
export function shown(text: string): string {
  const short = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
  return text === '' || /\s/.test(text) ? JSON.stringify(short) : short;
}
