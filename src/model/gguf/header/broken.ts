/**
 * The errors of GGUF files, one line each.
 */
import { KvrError } from '../../../core/errors.js';
import { printable } from '../../checkpoint/printable.js';

/** @param what is wrong, with the value and its bound */
export function broken(path: string, what: string, cause?: unknown): KvrError {
  return new KvrError('BAD_CHECKPOINT', `${path}: ${what}; fetch the file again`, {}, cause);
}

/** @param what a sound file has that is not run here */
export function notSupported(path: string, what: string, supported: string): KvrError {
  return new KvrError('UNSUPPORTED_MODEL', `${path}: ${what} is not supported; supported: ${supported}`);
}

/** A name of the file in quotes. */
export function quoted(name: string): string {
  return `"${printable(name)}"`;
}
