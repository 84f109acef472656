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
  | 'DISK_FULL' // no room for a compiled model or a download
  | 'HUB_REFUSED' // the hub does not give a model to this caller
  | 'HUB_UNREACHABLE' // the hub does not answer, or too many requests were made
  | 'HUB_BAD_ANSWER' // the hub sent what can not be right, such as bytes with another digest
  | 'CACHE_DAMAGED' // files of a compiled model changed under a request, again and again
  | 'NO_KERNELS' // no compute kernels for this platform, or they can not be loaded
  | 'WORKER_DIED' // a worker process ended
  | 'WORKER_HUNG' // a worker sent nothing within its limit
  | 'WORKER_FAILED' // a worker reported an error of its own
  | 'WORKER_REFUSED' // a worker holds as many requests or bytes as it may
  | 'PROTOCOL' // bytes that are no frame or message of ours
  | 'LINK' // a link between two ranks broke
  | 'LOST_TOO_OFTEN' // a request lost its worker each time it was run, so it may be what ends them
  | 'DEADLINE' // a request took longer than it was allowed
  | 'CANCELLED' // the caller asked to stop
  | 'BUSY' // the queue is full
  | 'CLOSED' // used after close()
  | 'UNSUPPORTED_PARAMETER' // a parameter of an HTTP request that is not honoured here
  | 'UNAUTHORIZED' // no API key, or a wrong one
  | 'FORBIDDEN' // an HTTP request that names another host
  | 'NOT_FOUND' // no such path or model
  | 'METHOD_NOT_ALLOWED' // a path that takes another HTTP method
  | 'BODY_TOO_LARGE' // an HTTP body above the limit
  | 'BAD_MEDIA_TYPE' // an HTTP body that is not declared as plain JSON
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
  HUB_REFUSED: 2,
  CANCELLED: 130,
};

/** HTTP status by code. What the next attempt may find mended is 503, a defect 500; 499 is seen by nobody. */
const HTTP_STATUS: Readonly<Record<KvrErrorCode, HttpStatus>> = {
  BAD_INPUT: 400,
  PROMPT_TOO_LONG: 400,
  UNSUPPORTED_PARAMETER: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  BODY_TOO_LARGE: 413,
  BAD_MEDIA_TYPE: 415,
  BUSY: 429,
  CANCELLED: 499,
  BAD_CHECKPOINT: 500,
  UNSUPPORTED_MODEL: 500,
  CACHE_UNWRITABLE: 500,
  DISK_FULL: 500,
  HUB_REFUSED: 500,
  HUB_UNREACHABLE: 500,
  HUB_BAD_ANSWER: 500,
  NO_KERNELS: 500,
  PROTOCOL: 500,
  WORKER_FAILED: 500,
  LOST_TOO_OFTEN: 500,
  INTERNAL: 500,
  WORKER_DIED: 503,
  WORKER_HUNG: 503,
  WORKER_REFUSED: 503,
  CACHE_DAMAGED: 503,
  LINK: 503,
  CLOSED: 503,
  DEADLINE: 504,
};
export type HttpStatus = 400 | 401 | 403 | 404 | 405 | 413 | 415 | 429 | 499 | 500 | 503 | 504;

export function httpStatus(code: KvrErrorCode): HttpStatus {
  return HTTP_STATUS[code];
}

/** What passes by itself: the same request, asked again, may well be answered. For all others something has to be changed first. */
const PASSING: ReadonlySet<KvrErrorCode> = new Set([
  'BUSY',
  'WORKER_DIED',
  'WORKER_HUNG',
  'WORKER_REFUSED',
  'CACHE_DAMAGED',
  'HUB_UNREACHABLE',
  'LINK',
  'CLOSED',
]);

/** Whether to ask the same again helps. */
export function isRetryable(code: KvrErrorCode): boolean {
  return PASSING.has(code);
}

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
