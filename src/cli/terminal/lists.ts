/**
 * Lists that people type: values between commas. Strict, as numbers.ts.
 */
import { KvrError } from '../../core/errors.js';

/** Nobody waits for the results of more values than this. */
const MAX_LIST = 64;

/** Each value once, in the order given. @throws BAD_INPUT, and what `parse` throws */
export function parseList<T>(flag: string, text: string, parse: (flag: string, text: string) => T): T[] {
  const parts = text.split(',');
  if (parts.length > MAX_LIST)
    throw new KvrError('BAD_INPUT', `${flag} has ${parts.length} values; give at most ${MAX_LIST}`);
  return [...new Set(parts.map((part) => parse(flag, part)))];
}
