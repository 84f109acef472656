/**
 * Every error the project raises on purpose, by code. Callers match on `code`, never on text.
 * A message is one line with the value, the bound and the remedy; it never holds tensors, prompts or secrets.
 */

/** What went wrong, as a stable word. */
export type KvrErrorCode =
  | 'BAD_INPUT' // a flag, argument or request that can not be used as it is
  | 'PROMPT_TOO_LONG' // prompt plus new tokens exceed the model's context
  | 'MODEL_NOT_FOUND' // no folder, file or name like that
  | 'BAD_CHECKPOINT' // the folder is there, what is in it is broken
  | 'UNSUPPORTED_MODEL' // a sound checkpoint of a kind we do not run
  | 'CACHE_UNWRITABLE' // the cache folder can not be written
  | 'DISK_FULL' // no room while compiling
  | 'WORKER_DIED' // a worker process ended
  | 'WORKER_HUNG' // a worker gave no sign of life within its limit
  | 'WORKER_FAILED' // a worker reported an error of its own
  | 'WORKER_REFUSED' // a worker holds as many requests or bytes as it may
  | 'PROTOCOL' // bytes that are no frame or message of ours
  | 'LINK' // a link between two ranks broke
  | 'DEADLINE' // a request took longer than it was allowed
  | 'CANCELLED' // the caller asked to stop
  | 'BUSY' // the queue is full
  | 'CLOSED' // used after close()
  | 'INTERNAL'; // a defect of ours

/** Small facts that belong to an error; printable, never large. */
export type ErrorFields = Readonly<Record<string, string | number | boolean | undefined>>;

export class KvrError extends Error {
  override readonly name = 'KvrError';
  readonly code: KvrErrorCode;
  readonly fields: ErrorFields;

  constructor(code: KvrErrorCode, message: string, fields: ErrorFields = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.fields = fields;
  }
}

/** Exit status by code: 2 for what the user can put right by typing something else, 130 for an interrupt. */
const EXIT_STATUS: Partial<Record<KvrErrorCode, number>> = {
  BAD_INPUT: 2,
  PROMPT_TOO_LONG: 2,
  MODEL_NOT_FOUND: 2,
  BAD_CHECKPOINT: 2,
  UNSUPPORTED_MODEL: 2,
  CACHE_UNWRITABLE: 2,
  DISK_FULL: 2,
  CANCELLED: 130,
};

/** @returns the process exit status for an error: 1 for everything that is not in the table. */
export function exitStatus(error: unknown): number {
  return error instanceof KvrError ? (EXIT_STATUS[error.code] ?? 1) : 1;
}

/** Turns anything thrown into a KvrError, keeping the original as its cause. */
export function asKvrError(error: unknown): KvrError {
  if (error instanceof KvrError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new KvrError('INTERNAL', firstLine(message), {}, error);
}

/** The first line of a message, so that one error stays one line. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
