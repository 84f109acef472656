/**
 * Why a command should stop before it is done: Ctrl-C, or an output that can not be written any more. A second
 * Ctrl-C is not caught and ends the process at once; workers end themselves when their parent is gone.
 */
import { KvrError } from '../../core/errors.js';

export type StopCause =
  | { readonly kind: 'signal'; readonly name: NodeJS.Signals }
  /** The reader of the output has gone, as `head` does. */
  | { readonly kind: 'unread' }
  | { readonly kind: 'unwritable'; readonly error: KvrError };

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export class Interrupt {
  readonly #controller = new AbortController();
  #cause: StopCause | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get cause(): StopCause | undefined {
    return this.#cause;
  }

  /** Only the first cause counts. */
  stop(cause: StopCause): void {
    this.#cause ??= cause;
    this.#controller.abort();
  }

  /** Follows the process's signals and its output's errors. */
  watch(target: NodeJS.Process): void {
    for (const name of SIGNALS) target.once(name, () => this.stop({ kind: 'signal', name }));
    for (const stream of [target.stdout, target.stderr]) {
      stream.on('error', (error: NodeJS.ErrnoException) => this.stop(causeOf(error)));
    }
  }
}

function causeOf(error: NodeJS.ErrnoException): StopCause {
  if (error.code === 'EPIPE') return { kind: 'unread' };
  const message = `the output can not be written (${error.message}); write it to another place`;
  return { kind: 'unwritable', error: new KvrError('INTERNAL', message, {}, error) };
}
