/**
 * How a command reports a failure: one line on stderr, with --json also one document on stdout, and the exit status.
 */
import { asKvrError, exitStatus, KvrError } from '../../core/errors.js';
import { cut, oneLine } from './format.js';
import type { StopCause } from './interrupt.js';
import type { Shell } from './shell.js';

/** Enough for every message of this project; a library's message may be longer and is cut. */
const MAX_MESSAGE_CHARS = 600;

type FailureStyle = { readonly isJson: boolean; readonly isVerbose: boolean };

/** @returns the exit status. */
export function reportFailure(
  error: unknown,
  cause: StopCause | undefined,
  style: FailureStyle,
  shell: Pick<Shell, 'stdout' | 'stderr'>,
): number {
  // The reader of the output has gone, as `head` does once it has enough lines: that is no failure.
  if (cause?.kind === 'unread') return 0;
  const failure = cause ? stopError(cause) : asKvrError(error);
  const message = cut(oneLine(failure.message), MAX_MESSAGE_CHARS);
  if (style.isJson && cause?.kind !== 'unwritable')
    shell.stdout.write(`${JSON.stringify(document(failure, message))}\n`);
  shell.stderr.write(`kvr: ${message}\n`);
  if (style.isVerbose) shell.stderr.write(`${stacks(error)}\n`);
  return exitStatus(failure);
}

function stopError(cause: Exclude<StopCause, { kind: 'unread' }>): KvrError {
  if (cause.kind === 'unwritable') return cause.error;
  return new KvrError('CANCELLED', `interrupted by ${cause.name}`, { signal: cause.name });
}

function document({ code, fields }: KvrError, message: string): unknown {
  return { error: { ...fields, code, message } };
}

/** The stack of an error and of everything that caused it. */
function stacks(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${stacks(error.cause)}`;
}
