/**
 * Ends calls that take too long although they never give their thread back: a regular expression or a template out of a
 * hostile checkpoint can run for ever on a short text. Called by tokenizer and chat-template.
 */
import { createContext, Script } from 'node:vm';
import { isNativeError } from 'node:util/types';

/** For any text, however loaded the machine is: encoding takes milliseconds. */
const FIXED_MS = 5_000;
/** Ten times what 100 KB of English took (45 ms, measured). */
const MS_PER_CHAR = 0.005;

/** The most that work on a text of so many characters may take. */
export function timeLimitMs(chars: number): number {
  return Math.ceil(FIXED_MS + MS_PER_CHAR * chars);
}

const CALL = new Script('call()');

/**
 * Only what runs inside a script can be ended from outside, regular expressions included; so the call is made from a script of
 * one line. Costs a thread that watches the clock, 0.1 to 0.3 ms a call (measured).
 * @throws the error of `onLate` after so many milliseconds, and what the call throws
 */
export function withinTime<T>(limitMs: number, call: () => T, onLate: () => Error): T {
  try {
    return CALL.runInContext(createContext({ call }), { timeout: limitMs }) as T;
  } catch (error) {
    if (isNativeError(error) && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw onLate();
    throw error;
  }
}
